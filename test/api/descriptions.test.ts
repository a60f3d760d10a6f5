import {
  buildSchema,
  type GraphQLNamedType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedDirective,
  isSpecifiedScalarType,
} from 'graphql';
import { expect, it } from 'vitest';
import { read } from '../support/sources.ts';

const SCHEMA = buildSchema(read('schema/schema.graphql'));

interface Part {
  readonly name: string;
  readonly description: string | null | undefined;
}

/** A type, then its values, its fields and their arguments. */
function* partsOf(type: GraphQLNamedType): Generator<Part> {
  yield type;
  if (isEnumType(type)) for (const value of type.getValues()) yield { ...value, name: `${type.name}.${value.name}` };
  if (isInputObjectType(type)) {
    for (const field of Object.values(type.getFields())) yield { ...field, name: `${type.name}.${field.name}` };
  }
  if (!isObjectType(type) && !isInterfaceType(type)) return;
  for (const field of Object.values(type.getFields())) {
    const name = `${type.name}.${field.name}`;
    yield { ...field, name };
    for (const argument of field.args) yield { ...argument, name: `${name}(${argument.name})` };
  }
}

/** Everything of the schema that is not GraphQL's own. */
function* parts(): Generator<Part> {
  yield { name: 'the schema', description: SCHEMA.description };
  for (const directive of SCHEMA.getDirectives()) {
    if (isSpecifiedDirective(directive)) continue;
    yield { ...directive, name: `@${directive.name}` };
    for (const argument of directive.args) yield { ...argument, name: `@${directive.name}(${argument.name})` };
  }
  for (const type of Object.values(SCHEMA.getTypeMap())) {
    if (!isIntrospectionType(type) && !isSpecifiedScalarType(type)) yield* partsOf(type);
  }
}

it('every type, field, argument, input field, enum value, scalar and directive has a description', () => {
  const all = [...parts()];
  expect(all.length).toBeGreaterThan(1_000);
  expect(all.filter(({ description }) => !description?.trim()).map(({ name }) => name)).toEqual([]);
});

it('every code span of a description is closed, and none is empty', () => {
  const broken = [...parts()].filter(({ description }) => {
    const ticks = description?.split('`').length ?? 1;
    return ticks % 2 === 0 || description?.includes('``');
  });
  expect(broken.map(({ name }) => name)).toEqual([]);
});

it('every mutation that takes an idempotency key says that it replays, and for how long it is kept', () => {
  const mutations = Object.values(SCHEMA.getMutationType()?.getFields() ?? {}).filter(({ args }) =>
    args.some(({ type }) => {
      const input = getNamedType(type);
      return isInputObjectType(input) && 'idempotencyKey' in input.getFields();
    }),
  );
  expect(mutations.length).toBeGreaterThan(5);
  const silent = mutations.filter(
    ({ description }) => !/key\sreplays[\s\S]*kept for (good|24\shours)/.test(description ?? ''),
  );
  expect(silent.map(({ name }) => name)).toEqual([]);
});
