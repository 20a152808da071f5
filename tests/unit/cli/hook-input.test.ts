import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { parseHookInput, readHookText } from '../../../src/cli/hooks/hook-input.ts';

describe('the input of a hook', () => {
  test.each([
    [
      'claude-code',
      {
        hook_event_name: 'UserPromptSubmit',
        session_id: 's',
        cwd: '/home/ann/shop',
        prompt: 'hello',
        transcript_path: '/home/ann/.claude/projects/-home-ann-shop/s.jsonl',
      },
    ],
    [
      'codex',
      {
        hook_event_name: 'UserPromptSubmit',
        session_id: 's',
        turn_id: 't',
        cwd: '/home/ann/shop',
        prompt: 'hello',
        transcript_path: '/home/ann/.codex/sessions/2026/05/03/rollout-s.jsonl',
      },
    ],
    [
      'gemini-cli',
      {
        hook_event_name: 'BeforeAgent',
        session_id: 's',
        cwd: '/home/ann/shop',
        prompt: 'hello',
        transcript_path: '/home/ann/.gemini/tmp/shop/chats/session-s.jsonl',
      },
    ],
    [
      'cursor',
      {
        hook_event_name: 'beforeSubmitPrompt',
        conversation_id: 's',
        cursor_version: '2.4.0',
        workspace_roots: ['/home/ann/shop', '/elsewhere'],
        prompt: 'hello',
        transcript_path: '/home/ann/.cursor/s.jsonl',
      },
    ],
  ])('of %s is read, and tells the client', (client, value) => {
    expect(parseHookInput(JSON.stringify(value), undefined)).toEqual({
      client,
      eventName: value.hook_event_name,
      session: 's',
      folder: '/home/ann/shop',
      prompt: 'hello',
      transcript: value.transcript_path,
    });
  });

  test('of Windows has a byte order mark and its own paths', () => {
    const text = `\uFEFF${JSON.stringify({ transcript_path: 'C:\\Users\\ann\\.codex\\sessions\\a.jsonl' })}`;
    expect(parseHookInput(text, undefined)).toMatchObject({ client: 'codex' });
    expect(parseHookInput(text, 'gemini-cli')).toMatchObject({ client: 'gemini-cli' });
  });

  test.each(['', 'hello', '[]', 'null', '"text"', '{"prompt":'])('%j is none', (text) => {
    expect(parseHookInput(text, undefined)).toBeUndefined();
  });

  test('has empty members for those of another type', () => {
    const text = JSON.stringify({ cwd: 5, prompt: ['a'], transcript_path: null, workspace_roots: [{}] });
    expect(parseHookInput(text, 'claude-code')).toEqual({
      client: 'claude-code',
      eventName: '',
      session: '',
      folder: '',
      prompt: '',
      transcript: '',
    });
  });

  test('is not waited for for ever, nor read without end', async () => {
    expect(await readHookText(new PassThrough(), 5)).toBeUndefined();
    const endless = new PassThrough();
    const read = readHookText(endless, 60_000);
    for (let megabyte = 0; megabyte < 5; megabyte += 1) endless.write(Buffer.alloc(1 << 20, 'a'));
    expect(await read).toBeUndefined();
    const whole = new PassThrough();
    whole.end(Buffer.from('{"prompt":"für"}'));
    expect(await readHookText(whole, 60_000)).toBe('{"prompt":"für"}');
  });
});
