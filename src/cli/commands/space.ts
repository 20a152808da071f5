import { copyMemories } from '../../memory/copy-memories.ts';
import { CONSOLE } from '../../people/audit-log.ts';
import { ROLES } from '../../people/people-store.ts';
import { visibleLine } from '../../util/visible-text.ts';
import { confirmed, defineCommand, oneOf, toggle, value } from '../command.ts';
import { count, table } from '../render.ts';
import { positive, unchanged } from './user.ts';

const SPACE = { name: '<space>', doc: 'id of the space' };
const PERSON = { name: '<person>', doc: 'id of the person' };
const USUAL_LINES = 100;

export const spaceCreateCommand = defineCommand({
  name: 'space create',
  isOfServer: true,
  summary: 'create a shared space, owned by a person',
  arguments: [SPACE],
  options: {
    owner: value('--owner <person>', 'required'),
    name: value('--name <text>', 'how people see it; default: the id'),
  },
  examples: [['faiss-memory space create kitchen --owner ada', 'for clients it is at /mcp/kitchen']],
  run: async (context, { args: [id = ''], options }) => {
    const { owner = '', name = '' } = options;
    const space = await (await context.team()).people.spaces.createSpace(id, { name, owner, by: CONSOLE });
    return { data: space, text: `The space ${space.id} was created. ${owner} owns it.` };
  },
});

export const spaceListCommand = defineCommand({
  name: 'space list',
  isOfServer: true,
  summary: 'list all spaces, with their members; also those in the trash',
  arguments: [],
  options: {},
  examples: [['faiss-memory space list', 'all of this data folder']],
  run: async (context) => {
    const { people } = await context.team();
    const rows = await Promise.all(
      (await people.spaces.spaces()).map(async (space) => ({
        ...space,
        members: space.removed === null ? (await people.spaces.members(space.id)).length : 0,
      })),
    );
    const cells = rows.map(({ id, name, kind, members, removed }) => [
      ...[id, visibleLine(name), kind],
      removed === null
        ? String(members)
        : `in the trash since ${new Date(removed).toISOString().slice(0, 10)}`,
    ]);
    return { data: { spaces: rows }, text: table([['SPACE', 'NAME', 'KIND', 'MEMBERS'], ...cells]) };
  },
});

export const spaceMembersCommand = defineCommand({
  name: 'space members',
  isOfServer: true,
  summary: 'list the members of a space',
  arguments: [SPACE],
  options: {},
  examples: [['faiss-memory space members kitchen', 'with their roles']],
  run: async (context, { args: [space = ''] }) => {
    const members = await (await context.team()).people.spaces.members(space);
    const cells = members.map(({ person, role }) => [person, role]);
    return { data: { members }, text: table([['PERSON', 'ROLE'], ...cells]) };
  },
});

export const spaceGrantCommand = defineCommand({
  name: 'space grant',
  isOfServer: true,
  summary: 'give a person a role in a shared space, or change it',
  details:
    'reader: search and read. writer: change memories too. owner: members, the audit log and removal too. ' +
    'The space "default" is the data folder itself.',
  arguments: [SPACE, PERSON],
  options: { role: oneOf('--role <role>', ROLES, 'default reader') },
  examples: [['faiss-memory space grant kitchen bob --role writer', 'Bob may change its memories']],
  run: async (context, { args: [space = '', person = ''], options }) => {
    const { role = 'reader' } = options;
    const granted = await (await context.team()).people.spaces.grant(space, { person, role, by: CONSOLE });
    return { data: granted, text: `${person} is ${role} of ${space} now.` };
  },
});

export const spaceRevokeCommand = defineCommand({
  name: 'space revoke',
  isOfServer: true,
  summary: 'take the role in a shared space from a person',
  arguments: [SPACE, PERSON],
  options: {},
  examples: [['faiss-memory space revoke kitchen bob', 'a running server refuses Bob there from now on']],
  run: async (context, { args: [space = '', person = ''] }) => {
    await (await context.team()).people.spaces.revoke(space, { person, by: CONSOLE });
    return { data: { space, revoked: person }, text: `${person} is no member of ${space} any more.` };
  },
});

export const spaceRemoveCommand = defineCommand({
  name: 'space remove',
  isOfServer: true,
  summary: 'move a shared space with all its memories to the trash',
  details: 'Its folder is kept as long as the trash; "space restore" brings it back.',
  arguments: [SPACE],
  options: { yes: toggle('-y, --yes', 'do not ask') },
  examples: [['faiss-memory space remove kitchen', 'asks, with the number of memories']],
  run: async (context, { args: [space = ''], options }) => {
    const { people } = await context.team();
    const plan = await people.spaces.planRemoval(space);
    const question = `Move ${space} with ${count(plan.memories, 'memory', 'memories')} to the trash?`;
    if (!(await confirmed(context, question, options.yes))) return unchanged();
    await people.spaces.removeSpace(space, { confirm: options.yes ? 'true' : plan.confirm, by: CONSOLE });
    const { memories, trashDays } = plan;
    return {
      data: { space, memories, kept_days: trashDays },
      text: `${space} is in the trash, for ${trashDays} days. Undo: faiss-memory space restore ${space}`,
    };
  },
});

export const spaceRestoreCommand = defineCommand({
  name: 'space restore',
  isOfServer: true,
  summary: 'take a space back from the trash',
  arguments: [SPACE],
  options: {},
  examples: [['faiss-memory space restore kitchen', 'with all its members']],
  run: async (context, { args: [id = ''] }) => {
    const space = await (await context.team()).people.spaces.restoreSpace(id, CONSOLE);
    return { data: space, text: `${id} is back.` };
  },
});

export const spaceCopyCommand = defineCommand({
  name: 'space copy',
  isOfServer: true,
  summary: 'copy or move memories from one space to another',
  details:
    'A copy has the text, tags, source, metadata and times, a new id, and no history. With --move each original moves to ' +
    'the trash after its copy is stored.',
  arguments: [
    { name: '<from>', doc: 'id of a space; "default" is the data folder itself' },
    { name: '<to>', doc: 'id of another space' },
    { name: '<id...>', doc: 'ids of memories' },
  ],
  options: { move: toggle('--move', 'move the originals to the trash') },
  examples: [['faiss-memory space copy ada kitchen 01890000-0000-7000-8000-000000000000', 'Ada keeps hers']],
  run: async (context, { args: [from = '', to = '', ...ids], options }) => {
    const team = await context.team();
    const report = await team.use(from, (source) =>
      team.use(to, (target) =>
        copyMemories({ from: source.memory, to: target.memory, ids, move: options.move }),
      ),
    );
    const { copied, left, moved } = report;
    return {
      data: report,
      text: [
        `${count(copied.length, 'memory', 'memories')} copied, ${moved} moved to the trash of ${from}.`,
        ...left.map(({ id, reason }) => `${id} stays: ${reason}`),
      ].join('\n'),
    };
  },
});

export const spaceAuditCommand = defineCommand({
  name: 'space audit',
  isOfServer: true,
  summary: 'show who did what in a space, or in all',
  details:
    'It has no texts of memories. "console" is a command on this machine, "server" a shared token of the server.',
  arguments: [{ name: '[space]', doc: 'id of the space; default: all' }],
  options: {
    person: value('--person <person>', 'only what this person did'),
    limit: value('-n, --limit <count>', `default ${USUAL_LINES}`),
  },
  examples: [['faiss-memory space audit kitchen --person bob', 'newest first']],
  run: async (context, { args: [space], options }) => {
    const { people } = await context.team();
    const limit = positive('--limit', options.limit) ?? USUAL_LINES;
    const { lines } = await people.audit({ space, person: options.person, limit });
    const cells = lines.map(({ at, person, space: where, action, count: number, about, refused }) => [
      ...[new Date(at).toISOString(), person, where, action],
      ...[String(number), about, refused],
    ]);
    return {
      data: { lines },
      text: table([['TIME', 'PERSON', 'SPACE', 'ACTION', 'COUNT', 'ABOUT', 'REFUSED'], ...cells]),
    };
  },
});
