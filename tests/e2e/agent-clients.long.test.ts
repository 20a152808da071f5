import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, test, type TestContext } from 'vitest';
import {
  type AgentClient,
  type ClientCommand,
  installAgentClient,
  runClient,
} from '../helpers/hooks/agent-clients.ts';
import { type FakeModels, startFakeModels } from '../helpers/hooks/fake-models.ts';
import { addMemories, keptTurns } from '../helpers/hooks/hook-runs.ts';
import { PROGRAM, temporaryFolder } from '../helpers/mcp/server-environment.ts';
import { runProgram } from '../helpers/run-program.ts';

const LIMIT_MS = 900_000;
const PORT = 'The staging server of the shop uses port 8443';
const TEA = 'Ada wants all answers in British English';
const ASKED = 'which port does the staging server of the shop use?';
const MEMORIES = [
  { text: PORT, project: 'github.com/ann/shop' },
  { text: TEA, metadata: { pinned: true } },
];

/** A machine with a home of its own, two repositories, memories, and the program where init puts it. */
class Machine {
  readonly home = temporaryFolder();
  readonly shop = this.#repository('shop');
  readonly bank = this.#repository('bank');
  readonly env: Readonly<Record<string, string>> = {
    HOME: this.home,
    USERPROFILE: this.home,
    XDG_DATA_HOME: join(this.home, 'share'),
    XDG_CONFIG_HOME: join(this.home, '.config'),
    MEMORY_DATA_DIR: join(this.home, 'memories'),
    MEMORY_EMBEDDING_PROVIDER: 'none',
    // The machine that runs the tests may be busy.
    MEMORY_HOOKS_PROMPT_MS: '10000',
  };

  /** A file below the home folder. */
  put(path: string, content: string): void {
    const target = join(this.home, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, content);
  }

  /** What plugins look for first, without the copy of 100 MB. */
  installProgram(): void {
    this.put('share/faiss-memory/app/faiss-memory.mjs', `import ${JSON.stringify(`file://${PROGRAM}`)};\n`);
  }

  #repository(name: string): string {
    const root = join(this.home, 'code', name);
    mkdirSync(root, { recursive: true });
    execFileSync('git', ['init', '--quiet', root]);
    execFileSync('git', ['-C', root, 'remote', 'add', 'origin', `https://github.com/ann/${name}.git`]);
    return root;
  }
}

async function clientOrSkip(client: AgentClient, context: TestContext): Promise<ClientCommand> {
  const found = await installAgentClient(client);
  if (typeof found === 'string') {
    context.skip(found);
    throw new Error('a skipped test went on');
  }
  return found;
}

/** What the model read since the last look. */
function readBy(models: FakeModels): string {
  return models.requests.splice(0).join('\n');
}

describe.skipIf(process.platform === 'win32')('the real client', () => {
  test(
    'Claude Code with the plugin: what is told in one session is known in the next, elsewhere only when it is global',
    { timeout: LIMIT_MS },
    async (context) => {
      const claude = await clientOrSkip('claude-code', context);
      const machine = new Machine();
      machine.installProgram();
      const models = await startFakeModels([
        { when: 'Keep the port', tool: 'memory_add', input: { text: PORT, project: 'github.com/ann/shop' } },
        { when: 'Keep the language', tool: 'memory_add', input: { text: TEA, project: '*' } },
      ]);
      const say = (folder: string, ...prompts: string[]): Promise<string> =>
        runClient(
          claude,
          [
            ...['-p', '--input-format', 'stream-json', '--output-format', 'stream-json', '--verbose'],
            ...[
              '--plugin-dir',
              resolve('integrations/claude-code'),
              '--allowedTools',
              'mcp__plugin_faiss-memory_faiss-memory',
            ],
          ],
          {
            folder,
            env: {
              ...machine.env,
              ANTHROPIC_BASE_URL: models.address,
              ANTHROPIC_API_KEY: 'sk-ant-fake-loopback',
              CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
              // The model of the test does not look for tools, and the server is there before the first prompt.
              ENABLE_TOOL_SEARCH: 'false',
              MCP_CONNECTION_NONBLOCKING: 'false',
            },
            input: prompts
              .map((content) => `${JSON.stringify({ type: 'user', message: { role: 'user', content } })}\n`)
              .join(''),
          },
        );
      await say(machine.shop, 'Keep the port: 8443 for staging.');
      await say(machine.shop, 'Keep the language: British English.');
      const { stdout } = await runProgram(['list', '--json'], { dataDir: machine.home });
      expect(stdout).toContain(PORT);
      readBy(models);

      await say(machine.shop, 'hello there, what is up');
      const next = readBy(models);
      expect([next.includes(PORT), next.includes(TEA)]).toEqual([true, true]);
      await say(machine.bank, 'hello there, what is up');
      const elsewhere = readBy(models);
      expect([elsewhere.includes(PORT), elsewhere.includes(TEA)]).toEqual([false, true]);

      await say(machine.shop, ASKED);
      expect(readBy(models).split(PORT).length).toBeGreaterThan(2);
      const listed = await runProgram(['conversations', 'list', '--json', '-n', '50'], {
        dataDir: machine.home,
      });
      const { conversations } = JSON.parse(listed.stdout) as {
        conversations: { client: string; beginning: string }[];
      };
      expect(conversations.map(({ beginning }) => beginning)).toEqual(
        expect.arrayContaining(['Keep the port: 8443 for staging.', ASKED]),
      );
      expect(new Set(conversations.map(({ client }) => client))).toEqual(new Set(['claude-code']));
    },
  );

  test(
    'Codex with the plugin from the marketplace gets the brief and what is close to a prompt, and its turns are kept',
    { timeout: LIMIT_MS },
    async (context) => {
      const codex = await clientOrSkip('codex', context);
      const machine = new Machine();
      machine.installProgram();
      await addMemories(machine.home, MEMORIES);
      const models = await startFakeModels();
      machine.put(
        '.codex/config.toml',
        `model = "fake"\nmodel_provider = "fake"\n[model_providers.fake]\nname = "fake"\n` +
          `base_url = "${models.address}/v1"\nwire_api = "responses"\nenv_key = "FAKE_KEY"\n`,
      );
      const run = (folder: string, ...args: string[]): Promise<string> =>
        runClient(codex, args, { folder, env: { ...machine.env, FAKE_KEY: 'x' } });
      await run(machine.shop, 'plugin', 'marketplace', 'add', resolve('.'));
      expect(await run(machine.shop, 'plugin', 'add', 'faiss-memory@faiss-memory')).toContain('Added plugin');
      const ask = (folder: string): Promise<string> =>
        run(folder, 'exec', '--skip-git-repo-check', '--dangerously-bypass-hook-trust', ASKED);
      await ask(machine.shop);
      await expectRecall(machine, models, () => ask(machine.bank), 'codex');
    },
  );

  test(
    'Gemini CLI with the hooks of init gets the brief and what is close to a prompt, and its turns are kept',
    { timeout: LIMIT_MS },
    async (context) => {
      const gemini = await clientOrSkip('gemini-cli', context);
      const machine = new Machine();
      await addMemories(machine.home, MEMORIES);
      const models = await startFakeModels();
      const settings = {
        security: { auth: { selectedType: 'gemini-api-key' } },
        privacy: { usageStatisticsEnabled: false },
        general: { enableAutoUpdate: false },
      };
      machine.put('.gemini/settings.json', JSON.stringify(settings));
      const { code } = await runProgram(['init', '--client', 'gemini-cli', '--hooks', 'on', '--yes'], {
        dataDir: machine.home,
        env: machine.env,
      });
      expect(code).toBe(0);
      const ask = (folder: string): Promise<string> =>
        runClient(gemini, ['-m', 'gemini-2.5-pro', '-p', ASKED], {
          folder,
          env: {
            ...machine.env,
            GEMINI_API_KEY: 'x',
            GOOGLE_GEMINI_BASE_URL: models.address,
            GEMINI_CLI_TRUST_WORKSPACE: 'true',
          },
        });
      await ask(machine.shop);
      await expectRecall(machine, models, () => ask(machine.bank), 'gemini-cli');
    },
  );

  test(
    'OpenCode with the plugin gets the brief and what is close to a prompt',
    { timeout: LIMIT_MS },
    async (context) => {
      const openCode = await clientOrSkip('opencode', context);
      const machine = new Machine();
      machine.installProgram();
      await addMemories(machine.home, MEMORIES);
      const models = await startFakeModels();
      const provider = {
        npm: '@ai-sdk/openai-compatible',
        name: 'fake',
        options: { baseURL: `${models.address}/v1`, apiKey: 'x' },
        models: { fake: { name: 'fake' } },
      };
      const settings = {
        ...{ autoupdate: false, share: 'disabled', model: 'fake/fake', small_model: 'fake/fake' },
        ...{ enabled_providers: ['fake'], provider: { fake: provider } },
      };
      machine.put('.config/opencode/opencode.json', JSON.stringify(settings));
      mkdirSync(join(machine.home, '.config/opencode/plugins'), { recursive: true });
      for (const name of ['faiss-memory.js', 'start.mjs'])
        copyFileSync(
          join('integrations', 'opencode', name),
          join(machine.home, '.config/opencode/plugins', name),
        );
      const ask = (folder: string): Promise<string> =>
        runClient(openCode, ['run', ASKED], { folder, env: machine.env });
      await ask(machine.shop);
      await expectRecall(machine, models, () => ask(machine.bank));
    },
  );
});

/** After one prompt in the repository of the shop: the model read both memories there, and the global one elsewhere. */
async function expectRecall(
  machine: Machine,
  models: FakeModels,
  askElsewhere: () => Promise<string>,
  keptFrom?: string,
): Promise<void> {
  const here = readBy(models);
  expect(here.includes(TEA), 'the brief').toBe(true);
  // In the brief, and beside the prompt.
  expect(here.split(PORT).length).toBeGreaterThan(2);
  const output = await askElsewhere();
  const elsewhere = readBy(models);
  expect(elsewhere.includes(TEA), output).toBe(true);
  expect(elsewhere.includes(PORT), 'a memory of another project').toBe(false);
  if (keptFrom === undefined) return;
  const listed = await runProgram(['conversations', 'list', '--json'], { dataDir: machine.home });
  const { conversations } = JSON.parse(listed.stdout) as {
    conversations: { client: string; session: string; project?: string }[];
  };
  const kept = conversations.find(({ project }) => project === 'github.com/ann/shop');
  expect(kept).toMatchObject({ client: keptFrom });
  expect(await keptTurns(machine.home, kept?.session ?? '')).toEqual([ASKED, 'Understood.']);
}
