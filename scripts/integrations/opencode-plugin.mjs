// The plugin of faiss-memory for OpenCode: tells the model at the start of a session, and at each prompt, what it should
// know. OpenCode has no hooks in a file, so this calls the program, which says nothing on any trouble.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const START = fileURLToPath(new URL('./start.mjs', import.meta.url));
const LIMIT_MS = 12_000;

/** What a hook says; empty when there is nothing. */
function hook(event, input) {
  return new Promise((resolve) => {
    const node = process.env.FAISS_MEMORY_NODE ?? 'node';
    const words = [START, 'hook', event, '--client', 'opencode'];
    const child = execFile(node, words, { timeout: LIMIT_MS, windowsHide: true }, (error, stdout) => {
      resolve(error === null ? contextIn(stdout) : '');
    });
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(JSON.stringify(input));
  });
}

function contextIn(stdout) {
  try {
    return JSON.parse(stdout).hookSpecificOutput.additionalContext;
  } catch {
    return '';
  }
}

export const FaissMemory = async ({ directory }) => {
  /** The brief of each session, which stays the same so that the model's cache holds. */
  const briefs = new Map();
  /** What the last prompt of a session brought up. */
  const recalled = new Map();
  return {
    'chat.message': async ({ sessionID }, { parts }) => {
      const prompt = parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n');
      if (!briefs.has(sessionID)) briefs.set(sessionID, hook('session-start', { cwd: directory }));
      recalled.set(sessionID, hook('prompt', { prompt, cwd: directory }));
    },
    'experimental.chat.system.transform': async ({ sessionID }, { system }) => {
      for (const texts of [briefs, recalled]) {
        const text = (await texts.get(sessionID)) ?? '';
        if (text !== '') system.push(text);
      }
    },
    event: async ({ event }) => {
      if (event.type !== 'session.deleted') return;
      briefs.delete(event.properties.info.id);
      recalled.delete(event.properties.info.id);
    },
  };
};
