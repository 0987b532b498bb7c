/** The Python of this machine and its packages, if there is one: asked, in a process of its own. Spec: docs/spec/17-deployment.md §1.5. */
import { PROTOCOL_LIMITS } from '../../protocol/index.ts';
import { runBriefly } from './run-briefly.ts';

export type PythonFacts = {
  readonly python_version?: string;
  readonly installed_packages: string[];
};

const NONE: PythonFacts = { installed_packages: [] };

/** Nothing is loaded from the folder that it runs in. */
const QUESTION = `
import sys
sys.path = [place for place in sys.path if place]
import json
from importlib import metadata
found = {}
for one in metadata.distributions():
    name = one.metadata["Name"]
    if name and one.version and name not in found:
        found[name] = one.version
version = "%d.%d.%d" % sys.version_info[:3]
print(json.dumps({"version": version, "packages": ["%s==%s" % pair for pair in sorted(found.items())]}))
`;

export async function describePython(env: NodeJS.ProcessEnv = process.env): Promise<PythonFacts> {
  for (const command of ['python3', 'python']) {
    const told = await runBriefly(command, ['-c', QUESTION], { env });
    const facts = told === undefined ? undefined : readAnswer(told);
    if (facts !== undefined) return facts;
  }
  return NONE;
}

function readAnswer(text: string): PythonFacts | undefined {
  try {
    const { version, packages } = JSON.parse(text) as { readonly version?: unknown; readonly packages?: unknown };
    if (typeof version !== 'string' || !/^\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(version) || !Array.isArray(packages))
      return undefined;
    const named = packages.filter((one) => typeof one === 'string' && one.length <= PROTOCOL_LIMITS.labelChars);
    return { python_version: version, installed_packages: named.slice(0, PROTOCOL_LIMITS.packagesPerNode) };
  } catch {
    return undefined;
  }
}
