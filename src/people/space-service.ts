import { SERVER_PERSON } from '../auth/principal.ts';
import { InvalidInputError, StateChangedError } from '../errors/input-errors.ts';
import { NoSuchError, NotAllowedError } from '../errors/people-errors.ts';
import { confirmationToken } from '../memory/confirmation.ts';
import { visibleJson } from '../util/visible-text.ts';
import type { AuditLog } from './audit-log.ts';
import {
  type Membership,
  type PeopleStore,
  type RemovedSpace,
  type Role,
  ROLES,
  type Space,
  SPACE_ID,
} from './people-store.ts';

/** The memories of spaces, each in a folder of its own. */
export interface SpaceFolders {
  /** False when there are memories under this id that belong to no space of the team. */
  isFree(space: string): Promise<boolean>;
  /** Makes an empty store. */
  create(space: string): Promise<void>;
  contentOf(space: string): Promise<SpaceContent>;
  /**
   * Moves the folder to the trash, after the calls under way. A write of another process is either part of it or
   * refused. Does nothing when it is there already.
   */
  moveToTrash(space: string): Promise<void>;
  bringBack(space: string): Promise<void>;
  /**
   * Removes the memories of a space in the trash, wherever they are.
   * @param isStill whether it is still in the trash
   * @throws StateChangedError when it was taken back meanwhile, or is another space now; nothing of that was removed
   */
  erase(space: RemovedSpace, isStill: () => Promise<boolean>): Promise<void>;
}

export interface SpaceContent {
  /** Live memories. */
  readonly memories: number;
  /** Size of the database files. */
  readonly bytes: number;
  /** Another one whenever anything in it was changed. */
  readonly stateDigest: string;
}

export interface SpaceServiceParts {
  readonly store: PeopleStore;
  readonly folders: SpaceFolders;
  readonly audit: AuditLog;
  readonly now: () => number;
  /** Shared spaces that one person may own; 0 = any number. */
  readonly spacesPerPerson: number;
  /** How long the folder of a removed space is kept. */
  readonly trashDays: number;
}

/** The content that would be removed, and the token that confirms it. */
export interface RemovalPlan extends SpaceContent {
  readonly space: string;
  readonly confirm: string;
  readonly trashDays: number;
}

const DAY_MS = 86_400_000;
/** The memories of the data folder itself. */
export const DEFAULT_SPACE = 'default';
const NAME_LIMIT = 200;

/** Keeps spaces and roles, and notes each change in the audit log. It does not ask who calls; `requireRole` does. */
export class SpaceService {
  readonly #parts: SpaceServiceParts;

  constructor(parts: SpaceServiceParts) {
    this.#parts = parts;
  }

  /** @throws NotAllowedError when the owner has as many as allowed */
  async createSpace(
    id: string,
    { name = '', owner, by }: { readonly name?: string; readonly owner: string; readonly by: string },
  ): Promise<Space> {
    const { store, folders, now, spacesPerPerson } = this.#parts;
    await this.#requirePerson(owner);
    if (!SPACE_ID.test(id) || id === DEFAULT_SPACE) {
      throw new InvalidInputError('space', `is ${visibleJson(id)}`, 'allowed are up to 63 of a-z, 0-9 and -');
    }
    const owned =
      spacesPerPerson === 0
        ? []
        : (await this.spacesOf(owner)).filter(
            ({ space, role }) => space.kind === 'shared' && role === 'owner',
          );
    if (owned.length > 0 && owned.length >= spacesPerPerson) {
      throw new NotAllowedError(
        `${owner} owns ${owned.length} shared spaces, and may own ${spacesPerPerson}`,
        'Remove one, or ask the administrator of the server for more.',
      );
    }
    if ((await store.space(id)) !== null || !(await folders.isFree(id))) throw taken('space', id);
    const space: Space = {
      id,
      name: checkName(name === '' ? id : name),
      kind: 'shared',
      created: now(),
      removed: null,
    };
    await folders.create(id);
    if (!(await store.addSpace(space, owner))) throw taken('space', id);
    this.#note(by, 'space.create', { space: id, about: owner });
    return space;
  }

  /** Also those that were removed. */
  spaces(): Promise<Space[]> {
    return this.#parts.store.spaces();
  }

  /** @throws NoSuchError also when it was removed */
  async space(id: string): Promise<Space> {
    const space = await this.#parts.store.space(id);
    if (space === null || space.removed !== null) throw new NoSuchError('space', id);
    return space;
  }

  /** Whether it exists, also when it was removed. */
  async hasSpace(id: string): Promise<boolean> {
    return (await this.#parts.store.space(id)) !== null;
  }

  async spacesOf(person: string): Promise<{ readonly space: Space; readonly role: Role }[]> {
    const { store } = this.#parts;
    const found = (await store.memberships({ person })).map(async ({ space, role }) => ({
      space: await store.space(space),
      role,
    }));
    return (await Promise.all(found)).flatMap(({ space, role }) => (space === null ? [] : [{ space, role }]));
  }

  async members(space: string): Promise<Membership[]> {
    await this.space(space);
    return this.#parts.store.memberships({ space });
  }

  /** @throws NoSuchError as for a space that does not exist, NotAllowedError when the role is a lesser one */
  async requireRole(space: string, caller: { readonly person: string; readonly role: Role }): Promise<Role> {
    const { store } = this.#parts;
    await this.space(space);
    const role = await store.role(space, caller.person);
    // A person who was removed keeps no right in a personal space that is taken back from the trash.
    const isKnown = caller.person === SERVER_PERSON || (await store.person(caller.person)) !== null;
    if (role === null || !isKnown) throw new NoSuchError('space', space);
    if (ROLES.indexOf(role) >= ROLES.indexOf(caller.role)) return role;
    throw new NotAllowedError(
      `You are a ${role} of the space ${space}, and this needs the role ${caller.role}`,
      'Ask an owner of the space.',
    );
  }

  /** Gives or changes a role. @throws NotAllowedError for a personal space, and for its last owner */
  async grant(
    space: string,
    member: { readonly person: string; readonly role: string; readonly by: string },
  ): Promise<Membership> {
    const role = ROLES.find((one) => one === member.role);
    if (role === undefined) throw notAmong('role', member.role, ROLES);
    await this.#requirePerson(member.person);
    await this.#setRole(space, member.person, role);
    this.#note(member.by, `member.${role}`, { space, about: member.person });
    return { space, person: member.person, role };
  }

  async revoke(space: string, member: { readonly person: string; readonly by: string }): Promise<void> {
    if ((await this.#parts.store.role(space, member.person)) === null)
      throw new NoSuchError('person', member.person);
    await this.#setRole(space, member.person, null);
    this.#note(member.by, 'member.revoke', { space, about: member.person });
  }

  /** The content that `removeSpace` would remove. @throws NotAllowedError for a personal space */
  async planRemoval(id: string): Promise<RemovalPlan> {
    const space = await this.#sharedSpace(id);
    if (id === DEFAULT_SPACE) {
      throw new NotAllowedError(
        `The space ${id} is the data folder of the server itself`,
        'Delete its memories one by one or by filter.',
      );
    }
    const content = await this.#parts.folders.contentOf(id);
    const confirm = confirmationToken([id, space.created, content.stateDigest]);
    return { ...content, space: id, confirm, trashDays: this.#parts.trashDays };
  }

  /**
   * Moves a shared space to the trash.
   * @param confirm of a plan; `true` = whatever it is now
   * @throws StateChangedError when the plan would be another one now
   */
  async removeSpace(
    id: string,
    { confirm, by }: { readonly confirm: string; readonly by: string },
  ): Promise<RemovalPlan> {
    const plan = await this.planRemoval(id);
    if (confirm !== 'true' && confirm !== plan.confirm) throw new StateChangedError();
    await this.moveToTrash(id);
    this.#note(by, 'space.remove', { space: id, count: plan.memories });
    return plan;
  }

  /** Takes a space back from the trash. @throws NoSuchError when it is not there */
  async restoreSpace(id: string, by: string): Promise<Space> {
    const { store, folders } = this.#parts;
    const space = await store.space(id);
    if (space?.removed == null) throw new NoSuchError('space', id);
    // First, because from then on no other process erases it.
    if (!(await store.setRemoved(id, null, space.removed))) throw new NoSuchError('space', id);
    try {
      await folders.bringBack(id);
    } catch (error) {
      await store.setRemoved(id, space.removed, null);
      throw error;
    }
    this.#note(by, 'space.restore', { space: id });
    return { ...space, removed: null };
  }

  /**
   * Erases spaces that were removed long enough ago. Other servers may do the same at the same time.
   * @param onFailure is told of each space that could not be erased; the others are erased all the same
   */
  async expireSpaces(onFailure: (space: string, error: unknown) => void): Promise<void> {
    const { store, now, trashDays } = this.#parts;
    const before = now() - trashDays * DAY_MS;
    for (const { id, removed } of await store.spaces()) {
      if (removed === null || removed > before) continue;
      await this.erase({ id, removed }).catch((error: unknown) => {
        // It was taken back at the last moment, or has been erased.
        if (!(error instanceof StateChangedError)) onFailure(id, error);
      });
    }
  }

  /** Erases a space in the trash, and forgets it. @throws StateChangedError when it was taken back meanwhile */
  async erase(space: RemovedSpace): Promise<void> {
    const { store, folders } = this.#parts;
    const isStill = async (): Promise<boolean> => (await store.space(space.id))?.removed === space.removed;
    await folders.erase(space, isStill);
    await store.dropSpace(space);
  }

  /** From then on the space is refused, before its folder moves. */
  async moveToTrash(id: string): Promise<void> {
    const { store, folders, now } = this.#parts;
    const removed = now();
    const isFirst = await store.setRemoved(id, removed, null);
    try {
      await folders.moveToTrash(id);
    } catch (error) {
      if (isFirst) await store.setRemoved(id, null, removed);
      throw error;
    }
  }

  async #setRole(space: string, person: string, role: Role | null): Promise<void> {
    await this.#sharedSpace(space);
    if (await this.#parts.store.setRole({ space, person }, role)) return;
    throw new NotAllowedError(
      `${person} is the only owner of the space ${space}`,
      'Make somebody else an owner first.',
    );
  }

  async #sharedSpace(id: string): Promise<Space> {
    const space = await this.space(id);
    if (space.kind === 'shared') return space;
    throw new NotAllowedError(`${id} is a personal space`, 'Create a shared one for several people.');
  }

  async requireOtherOwners(person: string): Promise<void> {
    const { store } = this.#parts;
    for (const { space, role } of await this.spacesOf(person)) {
      if (space.kind === 'personal' || role !== 'owner') continue;
      const members = await store.memberships({ space: space.id });
      if (members.some((member) => member.role === 'owner' && member.person !== person)) continue;
      throw new NotAllowedError(
        `${person} is the only owner of the space ${space.id}`,
        'Make somebody else an owner, or remove the space first.',
      );
    }
  }

  /** Made of the id of a person; `ada@example.org` has the space `ada`, or `ada-2` when that is taken. */
  async freeId(person: string): Promise<string> {
    const plain = person.normalize('NFKD').toLowerCase().split('@')[0] ?? '';
    const slug = plain
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replaceAll(/^-+|-+$/g, '')
      .slice(0, 50);
    const first = slug === '' ? 'space' : slug;
    const { store, folders } = this.#parts;
    for (let number = 1; ; number += 1) {
      const id = number === 1 ? first : `${first}-${number}`;
      if (id === DEFAULT_SPACE || (await store.space(id)) !== null) continue;
      if (await folders.isFree(id)) return id;
    }
  }

  async #requirePerson(id: string): Promise<void> {
    if ((await this.#parts.store.person(id)) === null) throw new NoSuchError('person', id);
  }

  #note(person: string, action: string, more: { space?: string; about?: string; count?: number }): void {
    this.#parts.audit.note({ person, action, ...more });
  }
}

export function taken(field: 'person' | 'space', id: string): InvalidInputError {
  const allowed = field === 'space' ? 'choose another; one in the trash keeps its name' : 'choose another';
  return new InvalidInputError(field, `${visibleJson(id)} exists already`, allowed);
}

export function notAmong(field: string, given: string, allowed: readonly string[]): InvalidInputError {
  return new InvalidInputError(
    field,
    `is ${visibleJson(given.slice(0, 100))}`,
    `allowed are ${allowed.join(', ')}`,
  );
}

export function checkName(name: string): string {
  if (name.length <= NAME_LIMIT && !/\p{C}/u.test(name)) return name;
  throw new InvalidInputError(
    'name',
    `has ${name.length} characters or hidden ones`,
    `allowed are ${NAME_LIMIT} visible ones`,
  );
}
