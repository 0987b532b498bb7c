/** OpenAPI 3.1 from the contract's schemas; nothing is written twice. Spec: docs/spec/05-http.md §2. */
import { z } from 'zod';
import { BRIDGE_ROUTES, type BridgeRoute, CONTROL_ROUTES, errorBodySchema, type Route } from '../api/index.ts';

type Json = Readonly<Record<string, unknown>>;

export function buildOpenApi(version: string): Json {
  const paths: Record<string, Record<string, Json>> = {};
  const put = (path: string, method: string, operation: Json): void => {
    paths[path] = { ...paths[path], [method]: operation };
  };
  for (const [name, route] of Object.entries<BridgeRoute>(BRIDGE_ROUTES)) {
    put(templateOf(route.path), 'get', bridgeOperation(name, route));
    if (route.head) put(templateOf(route.path), 'head', bridgeOperation(`${name}Head`, route));
  }
  for (const [name, route] of Object.entries<Route>(CONTROL_ROUTES))
    put(templateOf(route.path), route.method.toLowerCase(), controlOperation(name, route));
  return {
    openapi: '3.1.0',
    info: { title: 'Atmosphere', version, description: 'Models of this node, and the control API of its owner.' },
    paths,
    components: {
      schemas: { Error: toSchema(errorBodySchema, 'output') },
      securitySchemes: {
        localToken: { type: 'http', scheme: 'bearer', description: 'The local token of this home; loopback only.' },
        meshToken: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'From `atmosphere mesh token`.',
        },
        peer: { type: 'mutualTLS', description: 'A certificate of a node of this mesh.' },
      },
    },
  };
}

function bridgeOperation(name: string, route: BridgeRoute): Json {
  const media = typeof route.answer === 'string' ? route.answer : 'application/json';
  const schema = typeof route.answer === 'string' ? { type: 'string' } : toSchema(route.answer, 'output');
  const ok = { description: 'Answered', content: { [media]: { schema } } };
  const ranged = { 206: { description: 'The ranges asked for' }, 304: { description: 'Unchanged' } };
  return {
    operationId: name,
    summary: route.summary,
    tags: ['models'],
    security: [{}, { meshToken: [] }, { peer: [] }],
    parameters: [...pathParameters(route.path), ...queryParameters(route.query)],
    responses: { 200: ok, ...(route.ranged === true ? ranged : {}), default: ERROR_ANSWER },
  };
}

function controlOperation(name: string, route: Route): Json {
  const media = route.streams ? 'application/x-ndjson' : 'application/json';
  const ok = {
    description: route.streams ? 'An event a line' : 'Answered',
    content: { [media]: { schema: toSchema(route.answer, 'output') } },
  };
  const body = { required: true, content: { 'application/json': { schema: toSchema(route.body, 'input') } } };
  return {
    operationId: name,
    summary: route.summary,
    tags: ['control'],
    security: [{ localToken: [] }],
    parameters: [...pathParameters(route.path), ...queryParameters(route.query)],
    ...(route.method === 'POST' ? { requestBody: body } : {}),
    responses: { 200: ok, default: ERROR_ANSWER },
  };
}

const ERROR_ANSWER: Json = {
  description: 'Refused or failed',
  content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
};

function templateOf(path: string): string {
  return path.replaceAll(/:(\w+)/g, '{$1}').replace('*', '{id}');
}

function pathParameters(path: string): readonly Json[] {
  const names = [...templateOf(path).matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
  return names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));
}

function queryParameters(query: z.ZodType | undefined): readonly Json[] {
  if (query === undefined) return [];
  const { properties = {}, required = [] } = toSchema(query, 'input') as { properties?: Json; required?: string[] };
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }));
}

function toSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Record<
    string,
    unknown
  >;
  return rest;
}
