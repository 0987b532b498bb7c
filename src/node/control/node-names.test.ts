import { expect, test } from 'vitest';
import type { NodeId } from '../../core/index.ts';
import { nodeOfName } from './node-names.ts';

const node = (id: string, name: string, certifiedName = name) => ({ nodeId: id as NodeId, name, certifiedName });

test('a name is that of the one node that has it', () => {
  expect(nodeOfName([node('a', 'desk'), node('b', 'oven')], 'oven')).toBe('b');
});

test('a node that calls itself by another’s name does not take it', () => {
  expect(nodeOfName([node('a', 'desk'), node('b', 'desk', 'thief')], 'desk')).toBe('a');
});

test('a node that was renamed is found by its new name and by its old one', () => {
  const nodes = [node('a', 'new-desk', 'desk'), node('b', 'oven')];
  expect([nodeOfName(nodes, 'new-desk'), nodeOfName(nodes, 'desk')]).toEqual(['a', 'a']);
});

test('two nodes of one name, as cloned machines have, are told apart by nobody', () => {
  expect(() => nodeOfName([node('a', 'vm'), node('b', 'vm')], 'vm')).toThrowError(
    expect.objectContaining({ code: 'node_ambiguous' }),
  );
});

test('a name that nobody has is not found', () => {
  expect(() => nodeOfName([node('a', 'desk')], 'lamp')).toThrowError(
    expect.objectContaining({ code: 'node_not_found' }),
  );
});
