/** Who may do what with which model: shown on every node, said on an admin's. Spec: docs/spec/20-access.md §1. */
import type { AccessAnswer, ControlHandlers } from '../../api/index.ts';
import { type AccessEntry, type ModelAccess, PROTOCOL_LIMITS } from '../../protocol/index.ts';
import { MODEL_RIGHTS, type ModelRight, mayAuthor, rolesWith } from '../../trust/index.ts';
import { NodeError } from '../errors.ts';
import { nameOf } from './known-names.ts';
import type { NodeParts } from './parts.ts';

type AccessControl = Pick<ControlHandlers, 'access' | 'accessSet' | 'accessUnset'>;

export function accessControl(parts: NodeParts): AccessControl {
  return {
    access: async ({ query }) => show(parts, query.model),
    async accessSet({ body: { model, ...given } }) {
      const rights = MODEL_RIGHTS.flatMap((right) =>
        given[right] === undefined ? [] : [[right, given[right]] as const],
      );
      if (rights.length === 0)
        throw new NodeError('nothing_to_change', `Setting the access to ${model}: no right was named`);
      verifyRoles(rights);
      const own = entryOf(parts, model);
      publish(parts, model, { ...own, ...Object.fromEntries(rights) });
      return show(parts, model);
    },
    async accessUnset({ body: { model } }) {
      if (entryOf(parts, model) === undefined)
        throw new NodeError('nothing_to_change', `Unsetting the access to ${model}: it has no entry of its own`);
      publish(parts, model, undefined);
      return show(parts, model);
    },
  };
}

/** A right that its holder could never use had better not look given. Throws NodeError `role_without_orders`. */
function verifyRoles(rights: readonly (readonly [ModelRight, readonly string[]])[]): void {
  for (const [right, roles] of rights) {
    const useless = right === 'read' ? undefined : roles.find((role) => role !== '*' && !mayAuthor(role, 'deployment'));
    if (useless !== undefined)
      throw new NodeError('role_without_orders', `Giving ${right} to ${useless}: nodes of that role may say no orders`);
  }
}

/** The whole policy is one admin's word: a change is said with all the rest as it holds now. */
function publish(parts: NodeParts, model: string, entry: AccessEntry | undefined): void {
  const { mesh, access, audit } = parts;
  if (mesh.role !== 'admin')
    throw new NodeError(
      'not_permitted',
      `Setting the access to ${model}: this node is ${mesh.role}, and admins alone may`,
      {
        data: { role: mesh.role },
      },
    );
  const others = Object.entries(access.current?.models ?? {}).filter(([id]) => id !== model);
  const models = Object.fromEntries(entry === undefined ? others : [...others, [model, entry]]);
  if (Object.keys(models).length > PROTOCOL_LIMITS.accessEntries)
    throw new NodeError('policy_full', `Setting the access to ${model}: ${others.length} models have entries already`);
  const policy: ModelAccess = { type: 'model_access', models };
  audit.insist('policy', { what: 'said', who: mesh.nodeId, model_id: model, entry: entry ?? null });
  access.publish(policy);
}

function entryOf({ access }: NodeParts, model: string): AccessEntry | undefined {
  const models = access.current?.models ?? {};
  return Object.hasOwn(models, model) ? models[model] : undefined;
}

function show(parts: NodeParts, model: string | undefined): AccessAnswer {
  const { access, mesh } = parts;
  const { record, current } = access;
  const named = model === undefined ? [] : [model];
  const ids = new Set(['*', ...(model === undefined ? Object.keys(current?.models ?? {}).sort() : named)]);
  const author = record?.author;
  return {
    author: author ?? null,
    author_name: author === undefined ? null : nameOf(parts, author),
    issued_at: record === undefined ? null : new Date(record.issued_at).toISOString(),
    expires_at: record === undefined ? null : new Date(record.expires_at).toISOString(),
    role: mesh.role,
    models: [...ids].map((id) => rowOf(parts, current, id)),
  };
}

function rowOf(parts: NodeParts, current: ModelAccess | undefined, id: string): AccessAnswer['models'][number] {
  const entry = entryOf(parts, id);
  const roles = (right: ModelRight): string[] => [...rolesWith(right, current, id)];
  return {
    model_id: id,
    rights: { read: roles('read'), write: roles('write'), deploy: roles('deploy'), ship_code: roles('ship_code') },
    own: MODEL_RIGHTS.filter((right) => entry?.[right] !== undefined),
  };
}
