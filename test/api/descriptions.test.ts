import {
  buildSchema,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLScalarType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isScalarType,
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

it('every scalar names its specification, except money, whose unit is the one of the deployment', () => {
  const own = Object.values(SCHEMA.getTypeMap()).filter((type) => isScalarType(type) && !isSpecifiedScalarType(type));
  const without = own.filter((type) => !(type as GraphQLScalarType).specifiedByURL);
  expect(without.map(({ name }) => name)).toEqual(['Money']);
});

it('every code span of a description is closed, and none is empty', () => {
  const broken = [...parts()].filter(({ description }) => {
    const ticks = description?.split('`').length ?? 1;
    return ticks % 2 === 0 || description?.includes('``');
  });
  expect(broken.map(({ name }) => name)).toEqual([]);
});

it("every root field says who may use it, and every operators' field that it is one: introspection tells no directives", () => {
  const usedBy = (field: GraphQLField<unknown, unknown>, name: string): boolean =>
    field.astNode?.directives?.some((directive) => directive.name.value === name) ?? false;
  const roots = [SCHEMA.getQueryType(), SCHEMA.getMutationType(), SCHEMA.getSubscriptionType()];
  const silent: string[] = [];
  for (const type of Object.values(SCHEMA.getTypeMap()).filter(isObjectType)) {
    for (const field of Object.values(type.getFields())) {
      const said = field.description ?? '';
      const wanted = usedBy(field, 'operator')
        ? 'Only for operators, else `FORBIDDEN`'
        : usedBy(field, 'queued')
          ? /Only with an ACTIVE token .*`x-queue-token`, else\s`QUEUE_TOKEN_REQUIRED`/
          : /Anybody may ask|Only when signed in, else `UNAUTHENTICATED`/;
      const mustSay = roots.includes(type) || usedBy(field, 'operator');
      if (mustSay && !(typeof wanted === 'string' ? said.includes(wanted) : wanted.test(said))) {
        silent.push(`${type.name}.${field.name}`);
      }
    }
  }
  expect(silent).toEqual([]);
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
