import { expect, test } from 'vitest';
import { nobodyMeant } from './nobody-meant.ts';

const NODES = [
  { region: 'north', labels: { hall: '7' } },
  { region: 'east', labels: {} },
  { region: undefined, labels: {} },
];

test.each([
  ['a region that no node has', { regions: ['nort'] }, NODES, 'no node is in nort; there is north, east'],
  ['regions where none is known', { regions: ['a', 'b'] }, [], 'no node is in a or b, and none has said any'],
  ['a label that no node has', { labels: { hall: '8' } }, NODES, 'no node has the label hall=8; there is hall=7'],
  [
    'what no node is at once',
    { roles: ['edge'], regions: ['east'], labels: { hall: '7' } },
    NODES,
    'no node is all of it: role edge, region east, hall=7',
  ],
])('%s', (_about, target, nodes, words) => {
  expect(nobodyMeant({ node_ids: [], roles: [], regions: [], labels: {}, ...target }, nodes)).toBe(words);
});
