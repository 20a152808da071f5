import { describe, expect, test } from 'vitest';
import { InvalidInputError } from '../../src/errors/input-errors.ts';
import { createLogger, type LoggerOptions } from '../../src/logger.ts';

const NOW = Date.parse('2026-01-31T12:00:00Z');

function logged(options: Partial<LoggerOptions> = {}): {
  logger: ReturnType<typeof createLogger>;
  lines: string[];
} {
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line);
  return { logger: createLogger({ level: 'info', write, now: () => NOW, ...options }), lines };
}

describe('logger', () => {
  test('drops what is below its level', () => {
    const { logger, lines } = logged({ level: 'warn' });
    logger.debug('a');
    logger.info('b');
    logger.warn('c');
    logger.error('d');
    expect(lines).toEqual(['2026-01-31T12:00:00.000Z WARN c\n', '2026-01-31T12:00:00.000Z ERROR d\n']);
  });

  test('writes fields as text, one line an entry whatever they hold', () => {
    const { logger, lines } = logged();
    logger.info('model loaded', {
      model: 'e5-small-v2',
      ms: 1150,
      native: false,
      note: 'two\nlines \u001b[31m',
      absent: undefined,
    });
    expect(lines).toEqual([
      '2026-01-31T12:00:00.000Z INFO model loaded model=e5-small-v2 ms=1150 native=false note="two\\nlines \\u001b[31m"\n',
    ]);
  });

  test('writes JSON lines whose time, level and event no field replaces', () => {
    const { logger, lines } = logged({ format: 'json' });
    logger.warn('pushed', { level: 'x', segments: 2 });
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      time: '2026-01-31T12:00:00.000Z',
      level: 'warn',
      event: 'pushed',
      segments: 2,
    });
  });

  test('gives the fields of a parent to its children', () => {
    const { logger, lines } = logged({ fields: { pid: 7 } });
    logger.child({ part: 'sync' }).child({ run: 1 }).info('started', { run: 2 });
    expect(lines[0]).toContain('started pid=7 part=sync run=2\n');
  });

  test('describes errors', () => {
    const { logger, lines } = logged();
    const error = Object.assign(new TypeError('no such file', { cause: new Error('gone') }), {
      code: 'ENOENT',
    });
    logger.error('failed', { file: 'a' }, error);
    logger.error('failed', {}, 'a thrown text that may be anything');
    expect(lines[0]).toContain(
      'failed file=a error=TypeError code=ENOENT message="no such file" cause=gone\n',
    );
    expect(lines[1]).toContain('failed error="a thrown string"\n');
  });

  test('prints where an error came from only when debugging', () => {
    const { logger, lines } = logged({ level: 'debug' });
    logger.warn('failed', {}, new Error('broken'));
    expect(lines[0]).toMatch(/ stack="at .*logger\.test\.ts/);
  });

  test('never repeats what a user wrote from an error about input', () => {
    const { logger, lines } = logged({ level: 'debug' });
    logger.warn('refused', {}, new InvalidInputError('text', 'is "my diary"', 'allowed is a list'));
    expect(lines[0]).toMatch(/ refused error=InvalidInputError code=INVALID_INPUT\n$/);
  });

  test('cuts long values', () => {
    const { logger, lines } = logged();
    logger.info('long', { value: 'x'.repeat(10_000) });
    expect(lines[0]?.length).toBeLessThan(600);
  });

  test('goes on when nobody reads the log', () => {
    const { logger } = logged({
      write: () => {
        throw new Error('EPIPE');
      },
    });
    expect(() => {
      logger.error('lost');
    }).not.toThrow();
  });
});
