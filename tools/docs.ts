/**
 * Makes docs/errors.md and docs/limits.md from the tables in the code, and checks every relative link of the docs and every
 * section of docs/spec that code or docs cite.
 * `node tools/docs.ts` writes; `--check` only compares, for the gate.
 */
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { ErrorTraits, Limit } from '../src/core/index.ts';

const check = process.argv.includes('--check');
const problems: string[] = [];

await publish('docs/errors.md', errorsPage);
await publish('docs/limits.md', limitsPage);
checkLinks();
checkCitedSections();

for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;

async function publish(file: string, make: () => Promise<string>): Promise<void> {
  const wanted = await make();
  if (existsSync(file) && readFileSync(file, 'utf8') === wanted) return;
  if (check) problems.push(`${file} is not what the code says; run: npm run docs`);
  else writeFileSync(file, wanted);
}

async function errorsPage(): Promise<string> {
  const lines = [
    '# Errors',
    '',
    'Made from the tables in the code by `npm run docs`. Every error has a code, a kind and the one at fault; programs read',
    'those, people the message. The kind alone decides the exit code of the CLI and the HTTP status.',
    '',
    '| kind | exit code | HTTP |',
    '|---|---|---|',
  ];
  const { EXIT_CODES, HTTP_STATUS } = await import('../src/api/index.ts');
  for (const [kind, exit] of Object.entries(EXIT_CODES))
    lines.push(`| ${kind} | ${exit} | ${HTTP_STATUS[kind as keyof typeof HTTP_STATUS]} |`);
  for await (const [area, table] of tables<ErrorTraits>('errors', /_ERRORS$/)) {
    lines.push(
      '',
      `## ${area}`,
      '',
      '| code | kind | at fault | retry | what it means, and what to do |',
      '|---|---|---|---|---|',
    );
    for (const [code, traits] of Object.entries(table))
      lines.push(
        `| \`${code}\` | ${traits.kind} | ${traits.fault} | ${traits.retry ? 'yes' : 'no'} | ${traits.means} |`,
      );
  }
  return `${lines.join('\n')}\n`;
}

async function limitsPage(): Promise<string> {
  const lines = [
    '# Limits',
    '',
    'Made from the tables in the code by `npm run docs`. Each bounds what a peer, a file or a user can make a node do; the',
    'unit is in the name.',
  ];
  for await (const [area, table] of tables<Limit>('limits', /_LIMIT_TABLE$/)) {
    lines.push('', `## ${area}`, '', '| name | value | why |', '|---|---|---|');
    for (const [name, limit] of Object.entries(table))
      lines.push(`| \`${name}\` | ${limit.value.toLocaleString('en-US')} | ${limit.why} |`);
  }
  return `${lines.join('\n')}\n`;
}

/** Every area's table whose export name matches, in order of area. Core's limits.ts only says what a table is. */
async function* tables<Row>(file: string, exported: RegExp): AsyncGenerator<[string, Record<string, Row>]> {
  for (const path of globSync(`src/{*,node/packages}/${file}.ts`, { exclude: ['src/core/limits.ts'] }).sort()) {
    const module = (await import(join('..', path))) as Record<string, Record<string, Row>>;
    const name = Object.keys(module).find((key) => exported.test(key));
    if (name === undefined) problems.push(`${path} exports no table`);
    else yield [path.split('/').slice(1, -1).join('/'), module[name] ?? {}];
  }
}

function checkLinks(): void {
  const pages = globSync(['*.md', 'docs/**/*.md', 'bench/**/*.md', 'examples/**/*.md', 'vectors/**/*.md']);
  for (const page of pages.filter((name) => !name.includes('node_modules'))) {
    for (const [, target = ''] of readFileSync(page, 'utf8').matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      if (!existsSync(join(dirname(page), target))) problems.push(`${page}: links to ${target}, which is not there`);
    }
  }
}

/** `docs/spec/NN-name.md §a, §b.c` in code, `NN-name §a` in docs: the file and each section must be there. */
function checkCitedSections(): void {
  const sections = new Map(globSync('docs/spec/*.md').map((file) => [basename(file, '.md'), sectionsOf(file)]));
  const citation = /\b(\d\d-[a-z]+)(?:\.md)?((?:,? §\d+(?:\.\d+)?)+)/g;
  for (const file of globSync(['{src,e2e,demo,bench,tools,examples}/**/*.ts', 'docs/**/*.md'])) {
    const text = readFileSync(file, 'utf8').replaceAll(/\n \* /g, ' ');
    for (const [, name = '', cited = ''] of text.matchAll(citation)) {
      const wrong = (cited.match(/[\d.]*\d/g) ?? []).filter((section) => sections.get(name)?.has(section) !== true);
      for (const section of wrong) problems.push(`${file} cites ${name} §${section}, which is not there`);
    }
  }
}

/** Headings `## 3. …` and, below them, items `2. …` as 3.2. */
function sectionsOf(file: string): Set<string> {
  const found = new Set<string>();
  let chapter = '';
  for (const [, marks, number = ''] of readFileSync(file, 'utf8').matchAll(/^(## )?(\d+)\. /gm)) {
    if (marks !== undefined) chapter = number;
    found.add(marks === undefined ? `${chapter}.${number}` : number);
  }
  return found;
}
