/**
 * Who this node is, and of which mesh. Spec: docs/spec/03-trust.md §1.
 * Owner of node.key, authority.key and mesh.json. Order of writes: keys before the membership that names them; a crash between
 * leaves a home that opens as a mesh of one. An Identity is a value: changing the mesh returns a new one.
 */
import type { KeyObject } from 'node:crypto';
import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type MeshId, messageOf, type NodeId } from '../core/index.ts';
import { type NodeCertificate, parseRecord, type SignedRecord } from '../protocol/index.ts';
import { type Authority, certificateOfRecord, issueCertificateRecord } from './certificates.ts';
import { TrustError } from './errors.ts';
import { readKey, readOrMakeKey, readPrivateFile, replacePrivateFile } from './key-files.ts';
import { publicBytesOf, toMeshId, toNodeId } from './keys.ts';
import { TRUST_LIMITS } from './limits.ts';
import { isRecordSigned } from './records.ts';

export interface Identity {
  readonly homeDir: string;
  readonly nodeId: NodeId;
  readonly nodeKey: KeyObject;
  readonly meshId: MeshId;
  readonly meshName: string;
  /** What says that this node is a member, in the form that is gossiped. */
  readonly certificateRecord: SignedRecord;
  readonly certificate: NodeCertificate;
  /** Present on the machine that holds this mesh's authority key. */
  readonly authority: Authority | undefined;
}

export interface OpenIdentityOptions {
  /** The label in the certificate of a mesh of one; the host's name, as a rule. */
  readonly nodeName: string;
  readonly nowMs: number;
}

interface Membership {
  readonly meshName: string;
  readonly certificateRecord: SignedRecord;
}

const membershipSchema = z.object({
  type: z.literal('mesh'),
  mesh_id: z.string(),
  name: z.string().min(1).max(64),
  certificate: z.unknown(),
});

/** At the first start makes the keys and a mesh of one. Throws TrustError; never replaces a key that it cannot use. */
export function openIdentity(homeDir: string, options: OpenIdentityOptions): Identity {
  makeHome(homeDir);
  const nodeKey = readOrMakeKey(nodeKeyPath(homeDir));
  const nodeId = toNodeId(publicBytesOf(nodeKey));
  const stored = readMembership(homeDir, nodeId);
  if (stored === undefined) return foundMesh(homeDir, nodeKey, { ...options, meshName: options.nodeName });
  const identity = assemble(homeDir, nodeKey, stored);
  return identity.authority === undefined ? identity : renewOwn(identity, options.nowMs);
}

/** Who the node of a home is, as it stands there: nothing is made or written. Undefined where no node has ever been. Throws TrustError. */
export function readIdentity(homeDir: string): Identity | undefined {
  const nodeKey = readKey(nodeKeyPath(homeDir));
  if (nodeKey === undefined) return undefined;
  const stored = readMembership(homeDir, toNodeId(publicBytesOf(nodeKey)));
  return stored === undefined ? undefined : assemble(homeDir, nodeKey, stored);
}

/** `mesh init`: a new authority, this node its first admin. The old authority key is kept under another name. */
export function initMesh(identity: Identity, options: OpenIdentityOptions & { readonly meshName: string }): Identity {
  const path = authorityKeyPath(identity.homeDir);
  const old = readKey(path);
  if (old !== undefined) renameSync(path, backupPath(identity.homeDir, toMeshId(publicBytesOf(old))));
  return foundMesh(identity.homeDir, identity.nodeKey, options);
}

/** Takes the membership that an authority has certified; the caller has checked the record. */
export function enterMesh(identity: Identity, membership: Membership): Identity {
  writeMembership(identity.homeDir, membership);
  return assemble(identity.homeDir, identity.nodeKey, membership);
}

/** `mesh leave`: back to the mesh of one under this machine's own authority. */
export function leaveMesh(identity: Identity, options: OpenIdentityOptions): Identity {
  return foundMesh(identity.homeDir, identity.nodeKey, { ...options, meshName: options.nodeName });
}

function foundMesh(
  homeDir: string,
  nodeKey: KeyObject,
  options: OpenIdentityOptions & { readonly meshName: string },
): Identity {
  const authority = toAuthority(readOrMakeKey(authorityKeyPath(homeDir)));
  const membership = { meshName: label(options.meshName), certificateRecord: certifySelf(authority, nodeKey, options) };
  writeMembership(homeDir, membership);
  return assemble(homeDir, nodeKey, membership);
}

function certifySelf(authority: Authority, nodeKey: KeyObject, options: OpenIdentityOptions): SignedRecord {
  return issueCertificateRecord(authority, {
    nodeId: toNodeId(publicBytesOf(nodeKey)),
    role: 'admin',
    name: label(options.nodeName),
    serial: options.nowMs,
    nowMs: options.nowMs,
  });
}

/** The authority's own node renews itself once half of its certificate's life is over. */
function renewOwn(identity: Identity, nowMs: number): Identity {
  const { certificate, authority } = identity;
  if (authority === undefined || nowMs < (certificate.issued_at + certificate.expires_at) / 2) return identity;
  const certificateRecord = issueCertificateRecord(authority, {
    nodeId: identity.nodeId,
    role: certificate.role,
    name: certificate.name,
    serial: Math.max(nowMs, certificate.serial + 1),
    nowMs,
  });
  return enterMesh(identity, { meshName: identity.meshName, certificateRecord });
}

function assemble(homeDir: string, nodeKey: KeyObject, membership: Membership): Identity {
  const certificate = certificateOfRecord(membership.certificateRecord);
  const authorityKey = readKey(authorityKeyPath(homeDir));
  const authority = authorityKey === undefined ? undefined : toAuthority(authorityKey);
  return {
    homeDir,
    nodeId: toNodeId(publicBytesOf(nodeKey)),
    nodeKey,
    meshId: certificate.mesh_id,
    meshName: membership.meshName,
    certificateRecord: membership.certificateRecord,
    certificate,
    authority: authority?.id === certificate.mesh_id ? authority : undefined,
  };
}

function toAuthority(privateKey: KeyObject): Authority {
  return { id: toMeshId(publicBytesOf(privateKey)), privateKey };
}

function readMembership(homeDir: string, nodeId: NodeId): Membership | undefined {
  const path = membershipPath(homeDir);
  const text = readPrivateFile(path, TRUST_LIMITS.membershipFileBytes);
  if (text === undefined) return undefined;
  try {
    const { name, certificate } = membershipSchema.parse(JSON.parse(text));
    const certificateRecord = parseRecord(certificate);
    const forUs = certificateOfRecord(certificateRecord).node_id === nodeId;
    if (!forUs || !isRecordSigned(certificateRecord)) throw new Error(`its certificate is not for ${nodeId}`);
    return { meshName: name, certificateRecord };
  } catch (cause) {
    const message = `Reading ${path}: ${messageOf(cause)}`;
    throw new TrustError('membership_corrupt', message, { data: { path }, cause });
  }
}

function writeMembership(homeDir: string, membership: Membership): void {
  const { certificateRecord: certificate, meshName: name } = membership;
  const file = { type: 'mesh', mesh_id: certificate.author, name, certificate };
  replacePrivateFile(membershipPath(homeDir), `${JSON.stringify(file, undefined, 2)}\n`);
}

function makeHome(homeDir: string): void {
  try {
    mkdirSync(homeDir, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new TrustError('home_unusable', `Making ${homeDir}: ${messageOf(cause)}`, { data: { path: homeDir }, cause });
  }
}

function label(text: string): string {
  return text.trim().slice(0, 64) || 'unnamed';
}

function nodeKeyPath(homeDir: string): string {
  return join(homeDir, 'node.key');
}

function authorityKeyPath(homeDir: string): string {
  return join(homeDir, 'authority.key');
}

function membershipPath(homeDir: string): string {
  return join(homeDir, 'mesh.json');
}

function backupPath(homeDir: string, meshId: MeshId): string {
  return join(homeDir, `authority-${meshId.slice('mesh_'.length, 'mesh_'.length + 12)}.key`);
}
