import { integer, number, setting, type SettingGroup, text, toggle } from './setting.ts';

/** 0 = no limit. */
function limited(what: string, environmentVariable: string, most: number) {
  return setting(integer({ min: 0, max: most }), {
    doc: `${what}; 0 = no limit.`,
    environmentVariable,
    default: 0,
  });
}

/** People and spaces of `faiss-memory serve --http`; docs/team.md explains them. */
export const teamSchema = {
  enabled: setting(toggle(), {
    doc: 'Gives each person of a server a space of memories, personal tokens, and shared spaces. The memories of the data folder itself are then the space `default`, which the tokens of `http.token` and `http.readToken` go on using.',
    environmentVariable: 'MEMORY_TEAM',
    default: false,
  }),
  signUp: setting(toggle(), {
    doc: 'Adds a person who is known to an identity provider and not to this server at the first request. `false` refuses those that nobody added with `faiss-memory user add`.',
    environmentVariable: 'MEMORY_TEAM_SIGN_UP',
    default: false,
  }),
  spaceMemories: limited(
    'Live memories that one space may have',
    'MEMORY_TEAM_SPACE_MEMORIES',
    1_000_000_000,
  ),
  spaceMiB: limited(
    'Size in MiB of what one space may hold, with indexes and vectors',
    'MEMORY_TEAM_SPACE_MIB',
    1_000_000_000,
  ),
  spaceRate: limited(
    'Requests a minute about one space, by all its members together',
    'MEMORY_TEAM_SPACE_RATE',
    10_000_000,
  ),
  personRate: limited('Requests a minute by one person', 'MEMORY_TEAM_PERSON_RATE', 10_000_000),
  personSpaces: limited('Shared spaces that one person may own', 'MEMORY_TEAM_PERSON_SPACES', 1_000_000),
  auditDays: setting(number({ min: 0, max: 36_500 }), {
    doc: 'Days for which the audit log says who did what in which space. It has no texts of memories.',
    environmentVariable: 'MEMORY_TEAM_AUDIT_DAYS',
    default: 90,
  }),
  openSpaces: setting(integer({ min: 1, max: 100_000 }), {
    doc: 'Spaces that are open at the same time; each takes about 2 MB for 500 memories. When others are needed, the longest unused are closed.',
    environmentVariable: 'MEMORY_TEAM_OPEN_SPACES',
    default: 200,
  }),
  idleMinutes: setting(number({ min: 0.1, max: 10_080 }), {
    doc: 'Minutes without use after which a space is closed; the next request opens it.',
    environmentVariable: 'MEMORY_TEAM_IDLE_MINUTES',
    default: 15,
  }),
} satisfies SettingGroup;

/** For commands: the space whose memories they are about. */
export const spaceSetting = setting(text(), {
  doc: 'Space of a server for a team whose memories a command works with, on the machine of the server; empty = the memories of the data folder itself.',
  environmentVariable: 'MEMORY_SPACE',
  flag: '--space',
  default: '',
});
