/** What a site has, to be carried to where a difference package is made for it. Spec: docs/spec/21-packages.md §12. */
import { z } from 'zod';
import { modelIdSchema, sha256Schema } from '../catalog.ts';
import { meshIdSchema, nodeIdSchema, parseAs } from '../certificate.ts';
import { ProtocolError } from '../errors.ts';
import { isDeeper } from '../json-shape.ts';
import { lenientObject } from '../lenient.ts';
import { PROTOCOL_LIMITS } from '../limits.ts';
import { toText } from './package-document.ts';
import { memberBytesSchema, memberPathSchema, packageContentsSchema, timestampSchema } from './package-manifest.ts';
import { packageIdSchema, packageVersionSchema } from './package-names.ts';
import { tierSchema } from './tier.ts';

const label = z.string().min(1).max(PROTOCOL_LIMITS.labelChars);

const siteInventorySchema = lenientObject({
  type: z.literal('site_inventory'),
  node_id: nodeIdSchema,
  node_name: label,
  mesh_id: meshIdSchema,
  created: timestampSchema,
  models: z
    .array(
      lenientObject({
        model_id: modelIdSchema,
        version: z.string().min(1).max(PROTOCOL_LIMITS.versionChars),
        /** As the catalog names it: of the file, or of the file list. */
        sha256: sha256Schema,
        files: z
          .array(lenientObject({ path: memberPathSchema, sha256: sha256Schema, size_bytes: memberBytesSchema }))
          .max(PROTOCOL_LIMITS.fileSetFiles),
      }),
    )
    .max(PROTOCOL_LIMITS.inventoryModels),
  packages: z
    .array(
      lenientObject({
        id: packageIdSchema,
        version: packageVersionSchema,
        tier: tierSchema,
        manifest_sha256: sha256Schema,
        /** The manifest's, so that changes can be counted. */
        contents: packageContentsSchema,
      }),
    )
    .max(PROTOCOL_LIMITS.inventoryPackages),
});
export type SiteInventory = z.infer<typeof siteInventorySchema>;

const WHAT = 'a site’s inventory';

/** JSON. Throws ProtocolError `too_large`, `malformed`. */
export function parseSiteInventory(given: string | Uint8Array): SiteInventory {
  const sizeBytes = typeof given === 'string' ? Buffer.byteLength(given) : given.length;
  const { inventoryBytes } = PROTOCOL_LIMITS;
  if (sizeBytes > inventoryBytes)
    throw new ProtocolError('too_large', `Reading ${WHAT}: ${sizeBytes} bytes, wanted at most ${inventoryBytes}`);
  let value: unknown;
  try {
    value = JSON.parse(toText(given, WHAT));
  } catch (cause) {
    throw new ProtocolError('malformed', `Reading ${WHAT}: it is not JSON`, { cause });
  }
  if (isDeeper(value, PROTOCOL_LIMITS.packageDepth))
    throw new ProtocolError('malformed', `Reading ${WHAT}: it is nested over ${PROTOCOL_LIMITS.packageDepth} deep`);
  return parseAs(siteInventorySchema, value, WHAT);
}

export function formatSiteInventory(inventory: SiteInventory): string {
  return `${JSON.stringify(inventory, undefined, 1)}\n`;
}
