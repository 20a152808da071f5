import type { OpenAccounts } from '../../app/callers.ts';
import type { Scope } from '../../auth/principal.ts';
import type { Settings } from '../../config/schema.ts';
import { UsageError } from '../../errors/input-errors.ts';
import { TOKEN_SCOPES, type TokenScope } from '../../people/people-store.ts';
import { TimeZone } from '../../util/time-zone.ts';
import { visibleLine } from '../../util/visible-text.ts';
import {
  type CommandContext,
  type CommandOutcome,
  confirmed,
  defineCommand,
  oneOf,
  toggle,
} from '../command.ts';
import { readText } from '../option-values.ts';
import { table } from '../render.ts';

const nameArgument = { name: '<name>', doc: 'what the person types to sign in' };
const right = oneOf(
  '--right <right>',
  TOKEN_SCOPES,
  'the most that the person may allow a program (default: write)',
);
const passwordStdin = toggle('--password-stdin', 'read the password from stdin, its first line');

export const accountAddCommand = defineCommand({
  name: 'account add',
  isOfServer: true,
  summary: 'add a person with a password',
  details:
    'For a server with MEMORY_AUTH=embedded. With "account invite" the person chooses the password instead. In a team ' +
    '(MEMORY_TEAM=true), "user add" makes the account.',
  arguments: [nameArgument],
  options: { passwordStdin, right },
  examples: [
    ['pass show memory | faiss-memory account add ada --password-stdin', 'with a password from elsewhere'],
  ],
  run: (context, { args: [name = ''], options }) =>
    withAccounts(context, async ({ accounts }, settings) => {
      requireNoTeam(settings, `user add ${name}`);
      const password = await readPassword(context, options.passwordStdin);
      const account = await accounts.add(name, { password, scope: scopeOf(options.right) });
      return { data: { id: account.id, name: account.name }, text: `${account.name} can sign in now.` };
    }),
});

export const accountInviteCommand = defineCommand({
  name: 'account invite',
  isOfServer: true,
  summary: 'make a link with which a person chooses a password',
  details:
    'For a new person, or for one who has forgotten the password. The link counts once, for three days, and whoever has it can sign in as this person: send it in private.',
  arguments: [nameArgument],
  options: { right },
  examples: [['faiss-memory account invite ada', 'a link for Ada']],
  run: (context, { args: [name = ''], options }) =>
    withAccounts(context, async ({ accounts, linkOf }, settings) => {
      requireNoTeam(settings, `user invite ${name}`);
      const { account, invitation } = (await accounts.has(name))
        ? await accounts.inviteAgain(name)
        : await accounts.invite(name, scopeOf(options.right));
      const link = linkOf(invitation);
      return { data: { id: account.id, name: account.name, link }, text: link };
    }),
});

export const accountListCommand = defineCommand({
  name: 'account list',
  isOfServer: true,
  summary: 'list the people who can sign in',
  arguments: [],
  options: {},
  examples: [['faiss-memory account list', 'who has an account?']],
  run: (context) =>
    withAccounts(context, async ({ accounts }, settings) => {
      const zone = new TimeZone(settings.timeZone);
      const found = await accounts.list();
      const rows = found.map(({ name, scope, hasPassword, createdAt }) => [
        name,
        scope.replace('memory:', ''),
        hasPassword ? 'yes' : 'invited',
        zone.minute(createdAt),
      ]);
      const people = found.map(({ id, name, scope, hasPassword, createdAt }) => ({
        id,
        name,
        scope,
        has_password: hasPassword,
        created_at: createdAt,
      }));
      const text =
        rows.length === 0
          ? 'Nobody has an account.'
          : table([['NAME', 'RIGHT', 'PASSWORD', 'ADDED'], ...rows]);
      return { data: { accounts: people }, text };
    }),
});

export const accountPasswordCommand = defineCommand({
  name: 'account password',
  isOfServer: true,
  summary: 'change the password of a person, and end all sign-ins',
  arguments: [nameArgument],
  options: { passwordStdin },
  examples: [['pass show memory | faiss-memory account password ada --password-stdin', 'a new one']],
  run: (context, { args: [name = ''], options }) =>
    withAccounts(context, async ({ accounts }) => {
      const account = await accounts.named(name);
      await accounts.setPassword(account.id, await readPassword(context, options.passwordStdin));
      return {
        data: { id: account.id, name: account.name },
        text: `The password of ${account.name} is changed. Their programs must sign in again.`,
      };
    }),
});

export const accountRemoveCommand = defineCommand({
  name: 'account remove',
  isOfServer: true,
  summary: 'remove a person, and end all sign-ins',
  details: 'The memories stay.',
  arguments: [nameArgument],
  options: { yes: toggle('-y, --yes', 'do not ask') },
  examples: [['faiss-memory account remove ada --yes', 'remove it without a question']],
  run: (context, { args: [name = ''], options }) =>
    withAccounts(context, async ({ accounts }) => {
      const account = await accounts.named(name);
      const data = { id: account.id, name: account.name };
      if (!(await confirmed(context, `Remove the account of ${account.name}?`, options.yes))) {
        return { data: { ...data, removed: false }, text: 'Nothing was removed.' };
      }
      await accounts.remove(account.id);
      return { data: { ...data, removed: true }, text: `${account.name} can no longer sign in.` };
    }),
});

export const accountRotateCommand = defineCommand({
  name: 'account rotate-key',
  isOfServer: true,
  summary: 'make a new key that signs access tokens',
  details: 'Servers that run use it within a minute. Tokens of the old key count until they expire.',
  arguments: [],
  options: {},
  examples: [['faiss-memory account rotate-key', 'a new key']],
  run: (context) =>
    withAccounts(context, async (open) => {
      await open.rotateSigningKey();
      return { data: { rotated: true }, text: 'There is a new key. Servers use it within a minute.' };
    }),
});

async function withAccounts(
  context: CommandContext,
  work: (open: OpenAccounts, settings: Settings) => CommandOutcome | Promise<CommandOutcome>,
): Promise<CommandOutcome> {
  const { settings } = context.config();
  // Most commands need none of it.
  const { openAccounts } = await import('../../app/callers.ts');
  const open = await openAccounts(settings);
  try {
    return await work(open, settings);
  } finally {
    await open.close();
  }
}

/** @throws UsageError in a team, where an account belongs to a person with a space */
function requireNoTeam({ team }: Settings, instead: string): void {
  if (!team.enabled) return;
  throw new UsageError(
    'In a team each account belongs to a person',
    `Use this instead: faiss-memory ${visibleLine(instead)}`,
  );
}

function scopeOf(word: TokenScope = 'write'): Scope {
  return `memory:${word}`;
}

async function readPassword(context: CommandContext, fromStdin: boolean): Promise<string> {
  if (!fromStdin) {
    throw new UsageError(
      'the password is missing',
      'Pipe it in with --password-stdin, or use "account invite": a command line would be seen by others.',
    );
  }
  const [line = ''] = ((await readText(context, ['-'], undefined)) ?? '').split(/\r?\n/);
  return line;
}
