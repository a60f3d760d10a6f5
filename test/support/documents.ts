import fc, { type GeneratorValue } from 'fast-check';
import {
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isEnumType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';

/** A request that a client may send. */
export interface Asked {
  readonly query: string;
  readonly variables: Record<string, unknown>;
  readonly operationName?: string | null;
}

/** Values that arguments are given, by the argument's name; of others only enums and booleans. */
export type Values = Readonly<Record<string, readonly unknown[]>>;

const MAX_DEPTH = 4;

/** Makes documents over a schema, field by field, each choice by fast-check. */
export class DocumentMaker {
  readonly #schema: GraphQLSchema;
  readonly #values: Values;
  readonly #isLeftOut: (type: string, field: string) => boolean;

  /** @param isLeftOut whether a field is never asked for, since it answers another thing each time */
  constructor(schema: GraphQLSchema, values: Values, isLeftOut: (type: string, field: string) => boolean) {
    this.#schema = schema;
    this.#values = values;
    this.#isLeftOut = isLeftOut;
  }

  /** One root field, and of its value nothing but properties, under their names or others. */
  plain(g: GeneratorValue, root: GraphQLObjectType, fields: readonly string[]): Asked {
    const making = new Making(g, this.#schema, this.#values, this.#isLeftOut);
    return making.document(root, [making.rootField(root, g(fc.constantFrom, ...fields), true)]);
  }

  /** Up to three root fields, with fragments, directives, and fields within fields. */
  any(g: GeneratorValue, root: GraphQLObjectType, fields: readonly string[]): Asked {
    const making = new Making(g, this.#schema, this.#values, this.#isLeftOut);
    const count = g(fc.integer, { min: 1, max: 3 });
    const selections = Array.from({ length: count }, () =>
      making.rootField(root, g(fc.constantFrom, ...fields), false),
    );
    return making.document(root, selections);
  }
}

/** One document while it is made. */
class Making {
  readonly #g: GeneratorValue;
  readonly #schema: GraphQLSchema;
  readonly #values: Values;
  readonly #isLeftOut: (type: string, field: string) => boolean;
  readonly #definitions: string[] = [];
  readonly #fragments: string[] = [];
  readonly #variables: Record<string, unknown> = {};
  #names = 0;

  constructor(
    g: GeneratorValue,
    schema: GraphQLSchema,
    values: Values,
    isLeftOut: (type: string, field: string) => boolean,
  ) {
    this.#g = g;
    this.#schema = schema;
    this.#values = values;
    this.#isLeftOut = isLeftOut;
  }

  document({ name }: GraphQLObjectType, selections: readonly string[]): Asked {
    const variables = this.#definitions.length > 0 ? `(${this.#definitions.join(', ')})` : '';
    const head = `${name.toLowerCase()} ${this.#chance(3) ? 'Asked' : ''}${variables}`;
    return {
      query: [`${head} { ${selections.join(' ')} }`, ...this.#fragments].join('\n'),
      variables: { ...this.#variables, ...(this.#chance(10) && { unknown: 1 }) },
      ...(this.#chance(8) && { operationName: this.#g(fc.constantFrom, 'Asked', 'Other', '', null) }),
    };
  }

  rootField(root: GraphQLObjectType, name: string, isPlain: boolean): string {
    const field = root.getFields()[name];
    if (!field) throw new Error(`the schema has no field ${name}`);
    return this.#field(field, 0, isPlain);
  }

  #field(field: GraphQLField<unknown, unknown>, depth: number, isPlain: boolean): string {
    const alias = this.#chance(3) ? `${this.#newName('a')}: ` : '';
    const directives = isPlain ? '' : this.#directives();
    return `${alias}${field.name}${this.#arguments(field)}${directives}${this.#selection(getNamedType(field.type), depth, isPlain)}`;
  }

  #selection(type: GraphQLNamedType, depth: number, isPlain: boolean): string {
    if (isAbstractType(type)) {
      const members = this.#schema.getPossibleTypes(type);
      return ` { __typename ${members.map((member) => `... on ${member.name}${this.#members(member, depth, isPlain)}`).join(' ')} }`;
    }
    return isObjectType(type) ? this.#members(type, depth, isPlain) : '';
  }

  #members(type: GraphQLObjectType, depth: number, isPlain: boolean): string {
    const selections = Object.values(type.getFields())
      .filter((field) => !this.#isLeftOut(type.name, field.name))
      .filter(({ type: of }) => depth < MAX_DEPTH || !('getFields' in getNamedType(of)))
      .filter(({ args, type: of }) => !isPlain || (args.length === 0 && !isAbstractType(getNamedType(of))))
      .filter(() => this.#chance(2))
      .map((field) => this.#within(type, this.#field(field, depth + 1, isPlain), isPlain));
    const typename = selections.length === 0 || this.#chance(4) ? [' __typename'] : [];
    return ` { ${[...selections, ...typename].join(' ')} }`;
  }

  /** The selection as it is, or in a fragment. */
  #within(type: GraphQLObjectType, selection: string, isPlain: boolean): string {
    if (isPlain || !this.#chance(6)) return selection;
    if (this.#chance(2)) return `...${this.#chance(2) ? ` on ${type.name}` : ''}${this.#directives()} { ${selection} }`;
    const name = this.#newName('F');
    this.#fragments.push(`fragment ${name} on ${type.name} { ${selection} }`);
    return `...${name}${this.#directives()}`;
  }

  #directives(): string {
    if (!this.#chance(6)) return '';
    const wanted = this.#g(fc.boolean);
    const condition = this.#chance(2) ? `${wanted}` : `$${this.#define('Boolean!', wanted)}`;
    return ` @${this.#g(fc.constantFrom, 'include', 'skip')}(if: ${condition})`;
  }

  #arguments({ args }: GraphQLField<unknown, unknown>): string {
    const given = args
      .filter((argument) => (isNonNullType(argument.type) && argument.defaultValue === undefined) || this.#chance(2))
      .map((argument) => {
        const value = this.#valueOf(argument.name, argument.type);
        if (this.#chance(2)) return `${argument.name}: $${this.#define(`${argument.type}`, value)}`;
        return `${argument.name}: ${this.#literal(value, argument.type)}`;
      });
    return given.length > 0 ? `(${given.join(', ')})` : '';
  }

  #valueOf(name: string, type: GraphQLInputType): unknown {
    const named = getNamedType(type);
    const values = this.#values[name] ?? (isEnumType(named) ? named.getValues().map(({ name: each }) => each) : [null]);
    return this.#g(fc.constantFrom, ...values);
  }

  #literal(value: unknown, type: GraphQLInputType): string {
    const inner = isNonNullType(type) ? type.ofType : type;
    if (isListType(inner) || value === null) return `${value}`;
    return isEnumType(inner) && typeof value === 'string' ? value : JSON.stringify(value);
  }

  /** Defines a variable; now and then with a default, without a value, or with a wrong one. @returns its name */
  #define(type: string, value: unknown): string {
    const name = this.#newName('v');
    this.#definitions.push(`$${name}: ${type}`);
    if (!this.#chance(12))
      this.#variables[name] = this.#chance(12) ? this.#g(fc.constantFrom, null, {}, [], 7, 'x') : value;
    return name;
  }

  #newName(prefix: string): string {
    this.#names += 1;
    return `${prefix}${this.#names}`;
  }

  /** One in `of`. */
  #chance(of: number): boolean {
    return this.#g(fc.nat, { max: of - 1 }) === 0;
  }
}
