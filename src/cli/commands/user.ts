import { resolve } from 'node:path';
import type { App } from '../../app/app.ts';
import type { Settings } from '../../config/schema.ts';
import { UsageError } from '../../errors/input-errors.ts';
import { exportedMemory } from '../../import-export/export-json-lines.ts';
import { exportZip } from '../../import-export/export-zip.ts';
import { CONSOLE } from '../../people/audit-log.ts';
import type { Erasure, Invitation, PeopleService } from '../../people/people-service.ts';
import { type AuditLine, TOKEN_SCOPES, type TokenFacts } from '../../people/people-store.ts';
import { createDurableFile } from '../../util/durable-file.ts';
import { visibleLine } from '../../util/visible-text.ts';
import {
  type CommandContext,
  type CommandOutcome,
  confirmed,
  defineCommand,
  oneOf,
  toggle,
  value,
} from '../command.ts';
import { cannotWrite } from '../option-values.ts';
import { count, table } from '../render.ts';

const PERSON = { name: '<person>', doc: 'id of the person' };
const USUAL_HOURS = 72;
const PAGE = 1_000;

export const userAddCommand = defineCommand({
  name: 'user add',
  isOfServer: true,
  summary: 'add a person, with a personal space, to the team of this data folder',
  details:
    'For the machine of the server ("serve --http" with MEMORY_TEAM=true), which may be running. An identity provider ' +
    'names people its own way: give that id. The space is named after the part before the @. With MEMORY_AUTH=embedded ' +
    'the answer has a link with which the person chooses a password, and signs in with the id.',
  arguments: [PERSON],
  options: { name: value('--name <text>', 'how others see the person; default: the id') },
  examples: [
    ['faiss-memory user add ada --name "Ada Lovelace"', 'with the space ada'],
    ['faiss-memory user add ada@example.org', 'as the identity provider calls her'],
  ],
  run: async (context, { args: [id = ''], options }) => {
    const { people } = await context.team();
    const person = await people.addPerson(id, { name: options.name ?? '', by: CONSOLE });
    const invited = people.hasAccounts ? await invite(people, person.id, USUAL_HOURS) : undefined;
    const next = invited?.text ?? `Next: faiss-memory user invite ${person.id}`;
    return {
      data: { ...person, ...invited?.data },
      text: `${person.id} was added, with the space ${person.space}.\n${next}`,
    };
  },
});

export const userListCommand = defineCommand({
  name: 'user list',
  isOfServer: true,
  summary: 'list the people, with their spaces and tokens, and who can sign in',
  arguments: [],
  options: {},
  examples: [['faiss-memory user list --json', 'for programs']],
  run: async (context) => {
    const { people } = await context.team();
    const signIns = await people.signIns();
    const rows = await Promise.all(
      (await people.people()).map(async (person) => ({
        ...person,
        ...(signIns === undefined ? {} : { sign_in: signIns.get(person.id) ?? 'no' }),
        tokens: (await people.tokens(person.id)).length,
        spaces: (await people.spaces.spacesOf(person.id)).map(({ space, role }) => ({ id: space.id, role })),
      })),
    );
    const cells = rows.map(({ id, name, tokens, spaces, sign_in: signIn }) => [
      ...[id, visibleLine(name), ...(signIn === undefined ? [] : [signIn]), String(tokens)],
      spaces.map((space) => `${space.id} (${space.role})`).join(', '),
    ]);
    return {
      data: { people: rows },
      text:
        rows.length === 0
          ? 'Nobody was added yet.'
          : table([
              ['PERSON', 'NAME', ...(signIns === undefined ? [] : ['SIGN-IN']), 'TOKENS', 'SPACES'],
              ...cells,
            ]),
    };
  },
});

export const userRemoveCommand = defineCommand({
  name: 'user remove',
  isOfServer: true,
  summary: 'end all rights of a person; the personal space moves to the trash',
  details:
    'The folder of the space is kept as long as the trash; "space restore" brings it back, for commands with --space.',
  arguments: [PERSON],
  options: { yes: toggle('-y, --yes', 'do not ask') },
  examples: [['faiss-memory user remove ada', 'tokens and sign-ins end at once']],
  run: async (context, { args: [id = ''], options }) => {
    const { people } = await context.team();
    await people.person(id);
    const agreed = await confirmed(context, `Remove ${id} with all tokens and roles?`, options.yes);
    if (!agreed) return unchanged();
    const { space } = await people.removePerson(id, CONSOLE);
    return { data: { removed: id, space }, text: `${id} was removed. The space ${space} is in the trash.` };
  },
});

export const userInviteCommand = defineCommand({
  name: 'user invite',
  isOfServer: true,
  summary: 'make a link or a code that lets a person in, once',
  details:
    'With MEMORY_AUTH=embedded a link with which the person chooses a password, also a forgotten one: whoever has it can ' +
    'sign in as this person. Otherwise a code; the person sends it to POST /invitations/accept of the server, and gets a ' +
    'token with the scope admin.',
  arguments: [PERSON],
  options: { hours: value('--hours <count>', `how long it is valid; default ${USUAL_HOURS}`) },
  examples: [
    ['faiss-memory user invite ada --hours 24', 'valid for a day'],
    [
      `curl -X POST https://memory.example.org/invitations/accept -H 'Content-Type: application/json' -d '{"code": "<code>"}'`,
      'what the person does with a code',
    ],
  ],
  run: async (context, { args: [person = ''], options }) => {
    const hours = positive('--hours', options.hours) ?? USUAL_HOURS;
    const { data, text } = await invite((await context.team()).people, person, hours);
    return { data: { person, ...data }, text };
  },
});

async function invite(
  people: PeopleService,
  person: string,
  hours: number,
): Promise<{ readonly data: Invitation & { readonly hours: number }; readonly text: string }> {
  const invitation = await people.invite(person, { hours, by: CONSOLE });
  const [kind, secret] = 'link' in invitation ? ['Link', invitation.link] : ['Code', invitation.code];
  const text = `${kind} for ${person}, shown now and never again, valid once within ${hours} hours:\n${secret}`;
  return { data: { ...invitation, hours }, text };
}

export const userExportCommand = defineCommand({
  name: 'user export',
  isOfServer: true,
  summary: 'write all that is kept of a person into one zip',
  details:
    'The memories of the personal space with older versions, those in its trash, the roles, the facts about tokens, and ' +
    'what the audit log says about the person. Memories in shared spaces belong to those spaces.',
  arguments: [PERSON, { name: '<file>', doc: 'where to' }],
  options: {},
  examples: [['faiss-memory user export ada ada.zip', 'for Ada']],
  run: async (context, { args: [id = '', name = ''] }) => {
    const team = await context.team();
    const { people } = team;
    const person = await people.person(id);
    const account = {
      person,
      roles: (await people.spaces.spacesOf(id)).map(({ space, role }) => ({ space: space.id, role })),
      tokens: await people.tokens(id),
    };
    const audit = await allLines(context, id);
    const path = resolve(context.host.workingDirectory, name);
    const refuse = (error: unknown): never => {
      throw cannotWrite(path, error);
    };
    const file = await createDurableFile(path).catch(refuse);
    try {
      const counts = await team.use(person.space, async ({ memory, store }) => {
        const trash = await trashOf(memory);
        const written = await exportZip({
          memories: (kind) => memory.export({ kind }),
          histories: (ids) => store.get(ids),
          write: (chunk) => {
            context.signal.throwIfAborted();
            return file.write(chunk);
          },
          exportedAt: Date.now(),
          attachments: {
            'account.json': JSON.stringify(account, null, 2),
            'audit.jsonl': audit.map((line) => `${JSON.stringify(line)}\n`).join(''),
            'trash.jsonl': trash.join(''),
          },
        });
        return { ...written, trash: trash.length };
      });
      await file.commit().catch(refuse);
      return {
        data: { file: path, ...counts, tokens: account.tokens.length, audit: audit.length },
        text: `${count(counts.facts + counts.turns, 'memory', 'memories')} and ${count(audit.length, 'line')} of the audit log written to ${visibleLine(path)}`,
      };
    } finally {
      await file.discard();
    }
  },
});

export const userEraseCommand = defineCommand({
  name: 'user erase',
  isOfServer: true,
  summary: 'erase a person for good: personal space, backups of it, tokens, roles',
  details:
    'In the audit log a pseudonym takes the place of the person. The answer says where else texts of the person may be. ' +
    'A person who was removed before can be erased too.',
  arguments: [PERSON],
  options: { yes: toggle('-y, --yes', 'do not ask') },
  examples: [
    ['faiss-memory user erase ada', 'cannot be undone; "user export ada ada.zip" before keeps a copy'],
  ],
  run: async (context, { args: [id = ''], options }) => {
    const { people } = await context.team();
    const agreed = await confirmed(
      context,
      `Erase ${id} with all memories of the personal space for good?`,
      options.yes,
    );
    if (!agreed) return unchanged();
    const erased = await people.erasePerson(id, CONSOLE);
    const elsewhere = placesLeft(context.config().settings, erased);
    return {
      data: { ...erased, elsewhere },
      text: [
        `${id} was erased: ${count(erased.spaces, 'space')}, ${count(erased.tokens, 'token')}. ${count(erased.auditLines, 'line')} of the audit log now say ${erased.pseudonym}.`,
        'Texts of the person may still be in:',
        ...elsewhere.map((line) => `- ${line}`),
      ].join('\n'),
    };
  },
});

/** A line for each memory in the trash. */
async function trashOf(memory: App['memory']): Promise<string[]> {
  const lines: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await memory.list({ which: 'trash', limit: PAGE, cursor });
    for (const one of page.memories) lines.push(`${JSON.stringify(exportedMemory(one))}\n`);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return lines;
}

/** Where texts of an erased person may still be, and how they leave. */
function placesLeft(settings: Settings, { sharedSpaces, spaces }: Erasure): string[] {
  const { dataDir, store, sync } = settings;
  const onPostgres = store === 'postgres';
  const backups = onPostgres ? 'the database' : dataDir;
  return [
    ...sharedSpaces.map(
      (space) =>
        `The shared space ${space} and its backups in ${backups}: delete memories of the person with "faiss-memory delete --space ${space}", then "backup prune".`,
    ),
    ...(sync.bucket === ''
      ? []
      : [
          `The remote ${sync.bucket} holds only the space default, which no person owns: see "faiss-memory sync snapshots".`,
        ]),
    ...(onPostgres
      ? [
          'Files of the database: old copies of the rows leave them with its next VACUUM; backups, write-ahead logs and standbys when they expire or catch up.',
          'Other servers of the team: each removes its index of the space within a minute, a server that is stopped when it starts.',
        ]
      : [
          `Copies of the folder ${dataDir} that other programs made, such as backups of the machine: remove ${spaces === 0 ? 'what is older than the removal' : 'its spaces and spaces-trash'} there.`,
        ]),
  ];
}

export const tokenCreateCommand = defineCommand({
  name: 'token create',
  isOfServer: true,
  summary: 'make a personal token for a person; it is shown once',
  arguments: [PERSON],
  options: {
    name: value('--name <text>', 'what it is for, for example the client'),
    scope: oneOf(
      '--scope <scope>',
      TOKEN_SCOPES,
      'default write; admin manages tokens, spaces and members too',
    ),
    days: value('--days <count>', 'until it expires; default: never'),
  },
  examples: [['faiss-memory token create ada --name laptop --days 365', 'to read and to write']],
  run: async (context, { args: [person = ''], options }) => {
    const { name = '', scope = 'write' } = options;
    const days = positive('--days', options.days);
    const made = await (await context.team()).people.createToken(person, { name, scope, days, by: CONSOLE });
    return {
      data: { token: made.token, ...tokenData(made.facts) },
      text: `Token of ${person}, shown now and never again:\n${made.token}`,
    };
  },
});

export const tokenListCommand = defineCommand({
  name: 'token list',
  isOfServer: true,
  summary: 'list the personal tokens of a person; the tokens themselves are not kept',
  arguments: [PERSON],
  options: {},
  examples: [['faiss-memory token list ada', 'with the day of the last use']],
  run: async (context, { args: [person = ''] }) => {
    const tokens = (await (await context.team()).people.tokens(person)).map(tokenData);
    const cells = tokens.map(({ id, name, scope, expires, last_used: used }) => [
      ...[id, visibleLine(name), scope],
      ...[expires?.slice(0, 10) ?? 'never', used ?? 'never'],
    ]);
    return {
      data: { tokens },
      text:
        tokens.length === 0
          ? 'There is none.'
          : table([['TOKEN', 'NAME', 'SCOPE', 'EXPIRES', 'LAST USED'], ...cells]),
    };
  },
});

export const tokenRevokeCommand = defineCommand({
  name: 'token revoke',
  isOfServer: true,
  summary: 'end a personal token at once',
  arguments: [PERSON, { name: '<token>', doc: 'as "token list" names it, for example fm_1a2b3c4d5e' }],
  options: {},
  examples: [['faiss-memory token revoke ada fm_1a2b3c4d5e', 'a running server refuses it from now on']],
  run: async (context, { args: [person = '', id = ''] }) => {
    await (await context.team()).people.revokeToken(person, { id, by: CONSOLE });
    return { data: { revoked: id }, text: `${id} is revoked.` };
  },
});

function tokenData({ id, name, scope, created, expires, lastUsed }: TokenFacts) {
  return {
    ...{ id, name, scope },
    created: new Date(created).toISOString(),
    ...(expires === null ? {} : { expires: new Date(expires).toISOString() }),
    ...(lastUsed === null ? {} : { last_used: lastUsed }),
  };
}

async function allLines(context: CommandContext, person: string): Promise<AuditLine[]> {
  const { people } = await context.team();
  const lines: AuditLine[] = [];
  let before: number | undefined;
  do {
    const page = await people.audit({ person, before, limit: PAGE });
    lines.push(...page.lines);
    before = page.next ?? undefined;
  } while (before !== undefined);
  return lines;
}

/** @throws UsageError for anything but a whole number above 0 */
export function positive(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new UsageError(`${option} got ${JSON.stringify(text)}`, 'Give a whole number above 0.');
}

export function unchanged(): CommandOutcome {
  return { data: { changed: false }, text: 'Nothing was changed.' };
}
