import { readFileSync } from 'node:fs';
import {
  buildSchema,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  getNamedType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
} from 'graphql';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Buyer } from '../support/client.ts';
import { World } from '../support/world.ts';

const SCHEMA = buildSchema(readFileSync(new URL('../../schema/schema.graphql', import.meta.url), 'utf8'));
const ID = '00000000-0000-7000-8000-000000000000';

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open({ processes: 1 });
  operator = await world.operator();
});
afterAll(() => world.close());

type Taken = GraphQLArgument | GraphQLInputField;

/** A value that an argument of this type may have. */
function sample({ name, type }: Taken): unknown {
  const named = getNamedType(type);
  const one = isInputObjectType(named)
    ? Object.fromEntries(
        Object.values(named.getFields())
          .filter((field) => isNonNullType(field.type) && field.defaultValue === undefined)
          .map((field) => [field.name, sample(field)]),
      )
    : isEnumType(named)
      ? named.getValues()[0]?.name
      : ((
          { ID, Int: 1, Money: 1, Boolean: true, LocalDate: '2030-01-01', DateTime: '2030-01-01T00:00:00Z' } as Record<
            string,
            unknown
          >
        )[named.name] ?? `a ${name}`);
  return isListType(getNullableType(type)) ? [one] : one;
}

/** Each place within an argument that takes a scalar, with its path and the value of the whole argument with `wrong` there. */
function* places(taken: Taken, path: string, put: (value: unknown) => unknown): Generator<[string, unknown]> {
  const named = getNamedType(taken.type);
  const isList = isListType(getNullableType(taken.type));
  const at = isList ? `${path}[0]` : path;
  const putOne = (value: unknown): unknown => put(isList ? [value] : value);
  if (!isInputObjectType(named)) {
    yield [at, putOne({ wrong: true })];
    return;
  }
  const whole = sample(taken);
  const base = (isList ? (whole as unknown[])[0] : whole) as object;
  for (const field of Object.values(named.getFields())) {
    yield* places(field, `${at}.${field.name}`, (value) => putOne({ ...base, [field.name]: value }));
  }
  yield [`${at}.unknown`, putOne({ ...base, unknown: 1 })];
}

function document(kind: string, field: GraphQLField<unknown, unknown>): string {
  const variables = field.args.map(({ name, type }) => `$v_${name}: ${type}`).join(', ');
  const args = field.args.map(({ name }) => `${name}: $v_${name}`).join(', ');
  const isLeaf = !('getFields' in getNamedType(field.type)) && !('getTypes' in getNamedType(field.type));
  return `${kind} (${variables}) { ${field.name}(${args}) ${isLeaf ? '' : '{ __typename }'} }`;
}

const FIELDS = [
  ...Object.values(SCHEMA.getQueryType()!.getFields()).map((field) => ['query', field] as const),
  ...Object.values(SCHEMA.getMutationType()!.getFields()).map((field) => ['mutation', field] as const),
].filter(([, { args }]) => args.length > 0);

it.each(FIELDS.map(([kind, field]) => [`${kind} ${field.name}`, kind, field] as const))(
  '%s tells the path of each argument that has the wrong type',
  async (_name, kind, field) => {
    const query = document(kind, field);
    const needed = field.args.filter(({ type }) => isNonNullType(type));
    const right = Object.fromEntries(needed.map((argument) => [`v_${argument.name}`, sample(argument)]));
    for (const argument of field.args) {
      for (const [path, value] of places(argument, argument.name, (whole) => whole)) {
        const { errors, data } = await operator.ask(query, { ...right, [`v_${argument.name}`]: value });
        expect(errors, path).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT', argument: path } }]);
        expect(data ?? null).toBeNull();
      }
    }
  },
);

/** Of a type that is right, and of a value that nothing can have. */
const IMPOSSIBLE: Record<string, unknown> = { ID: 'no id', Int: -2_000_000_000, Money: -9_000_000_000_000 };

it.each(FIELDS.map(([kind, field]) => [`${kind} ${field.name}`, kind, field] as const))(
  '%s tells the path of what has an impossible value, wherever it is refused as input',
  async (_name, kind, field) => {
    const needed = field.args.filter(({ type }) => isNonNullType(type));
    const right = Object.fromEntries(needed.map((argument) => [`v_${argument.name}`, sample(argument)]));
    const query = document(kind, field);
    for (const argument of field.args) {
      const known = [...places(argument, argument.name, (whole) => whole)].map(([path]) => path);
      const named = getNamedType(argument.type).name;
      if (!(named in IMPOSSIBLE)) continue;
      const { errors } = await operator.ask(query, { ...right, [`v_${argument.name}`]: IMPOSSIBLE[named] });
      const [error] = errors ?? [];
      if (error?.extensions.code === 'BAD_USER_INPUT') expect(known).toContain(error.extensions.argument);
    }
  },
);
