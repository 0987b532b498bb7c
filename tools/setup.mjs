/**
 * Makes a fresh clone ready: Node 24 where the machine's own is older, dependencies, build. Quick when nothing changed.
 * Runs on any Node from 18, with no dependency. Says what it does on stderr, and what to do when it can't.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const STAMPS = join(ROOT, '.cache', 'setup');
const WANTED_NODE_MAJOR = 24;
const SHOWN_LINES = 20;
/** Versions and integrity as locked. Not `ci`: it fails where a mirror lacks a package that only other platforms need. */
const INSTALL = ['install', '--no-save'];
/** ONNX Runtime's package brings its CPU libraries; its script would fetch those for CUDA from elsewhere. Who wants them sets this to `cuda12`. */
const ONNXRUNTIME_INSTALL = process.env.ONNXRUNTIME_NODE_INSTALL ?? 'skip';

/** Brings the checkout up to date; returns the path of a Node that is new enough. Throws SetupError with advice. */
export function setUp({ build = true } = {}) {
  const node = ensureNode();
  once(
    'dependencies',
    [join(ROOT, 'package-lock.json')],
    join(ROOT, 'node_modules'),
    'installing dependencies (about a minute the first time)',
    () => runNpm(node, INSTALL, ROOT),
  );
  if (build) {
    once('build', sourceFiles(), join(ROOT, 'dist'), 'building', () =>
      run(node, [join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.build.json'], ROOT),
    );
  }
  return node;
}

/** Installs Debian packages whose `command` is missing; returns the commands that are still missing. */
export function ensureDebian(packages) {
  const missing = packages.filter(({ command }) => !hasCommand(command));
  if (missing.length === 0) return [];
  const names = missing.map(({ name }) => name);
  if (process.platform === 'linux' && process.getuid?.() === 0 && hasCommand('apt-get')) {
    say(`installing from Debian: ${names.join(' ')}`);
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    spawnSync('apt-get', ['update', '-qq'], { stdio: ['ignore', 'ignore', 'inherit'], env });
    spawnSync('apt-get', ['install', '-y', '-qq', ...names], { stdio: ['ignore', 'ignore', 'inherit'], env });
  } else {
    say(`missing commands; as root: apt-get install ${names.join(' ')}`);
  }
  return missing.filter(({ command }) => !hasCommand(command)).map(({ command }) => command);
}

export class SetupError extends Error {}

function ensureNode() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major >= WANTED_NODE_MAJOR) return process.execPath;
  const folder = join(ROOT, 'tools', 'node');
  const node = join(folder, 'node_modules', '.bin', 'node');
  once(
    'node',
    [join(folder, 'package-lock.json')],
    node,
    `fetching Node ${WANTED_NODE_MAJOR} from npm (this machine has ${process.versions.node})`,
    () => runNpm(process.execPath, INSTALL, folder),
  );
  if (existsSync(node)) return node;
  throw new SetupError(
    `No Node ${WANTED_NODE_MAJOR} for ${process.platform}-${process.arch} on npm: install Node ${WANTED_NODE_MAJOR} LTS or newer, put it first in PATH, and run this again.`,
  );
}

/** Runs `work` unless the inputs are those of its last success and its product is there. */
function once(name, inputs, product, what, work) {
  const stamp = join(STAMPS, name);
  const wanted = fingerprint(inputs);
  if (existsSync(product) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  const started = Date.now();
  say(`${what} …`);
  work();
  mkdirSync(STAMPS, { recursive: true });
  writeFileSync(stamp, wanted);
  say(`${what}: done in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

function fingerprint(files) {
  const hash = createHash('sha256').update(process.platform + process.arch);
  for (const file of files) hash.update(file).update('\0').update(readFileSync(file)).update('\0');
  return hash.digest('hex');
}

function sourceFiles() {
  const listed = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .map((name) => join(ROOT, 'src', name))
    .filter((file) => /\.(ts|json)$/.test(file) && !file.endsWith('.test.ts') && statSync(file).isFile());
  return [
    ...listed.sort(),
    join(ROOT, 'tsconfig.json'),
    join(ROOT, 'tsconfig.build.json'),
    join(ROOT, 'package-lock.json'),
  ];
}

function runNpm(node, args, cwd) {
  const npmCli = process.env.npm_execpath;
  const viaNode = npmCli?.endsWith('.js') === true;
  const [command, rest] = viaNode ? [node, [npmCli, ...args]] : ['npm', args];
  const env = { PATH: `${dirname(node)}:${process.env.PATH}`, ONNXRUNTIME_NODE_INSTALL: ONNXRUNTIME_INSTALL };
  run(command, rest, cwd, env);
}

function run(command, args, cwd, env = {}) {
  const result = spawnSync(command, args, {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    env: { ...cleanEnv(), ...env },
  });
  if (result.status === 0) return;
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}`.trim().split('\n').slice(0, SHOWN_LINES).join('\n');
  throw new SetupError(
    `${command} ${args.join(' ')} failed (${result.status ?? result.signal ?? result.error?.message}):\n${output}\nMend that, then run the command again; it goes on where it was.`,
  );
}

/** npm hands its own settings down as variables; an inner npm must read the project's instead. */
function cleanEnv() {
  return Object.fromEntries(
    Object.entries(process.env).filter(([key]) => !/^npm_(config|package|lifecycle)/.test(key)),
  );
}

function hasCommand(command) {
  return spawnSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' }).status === 0;
}

function say(text) {
  process.stderr.write(`setup: ${text}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    setUp();
    say('ready: ./atmosphere --help');
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(error.message);
    process.exit(1);
  }
}
