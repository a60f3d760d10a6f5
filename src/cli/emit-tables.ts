import 'reflect-metadata';
import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { EntityMetadata } from '@mikro-orm/core';
import { ENTITIES } from '../entities.ts';
import { openLog } from '../platform/log.ts';
import { openPostgres } from '../platform/postgres.ts';

/** Where the drawing is kept, from the root of the project, which is where this is run. */
const FILE = join('docs', 'tables.md');

const HEAD = `# Tables

Drawn from the entities by \`npm run tables\`; \`npm run tables:check\` fails when this file is not what they say. A column
that ends in an entity's name and Id refers to it. Tables without an entity are left out: answers kept for idempotency keys,
what sold on which day, what happened to shows and in queues by the minute, the settings of a deployment, what may become of
an order's status, and when each built-in alert was raised last.
`;

/** Columns that refer to an entity by another name than its own. */
const OTHER_NAMES: Record<string, string> = {
  cancelsId: 'LedgerEntry',
  userId: 'User',
  operatorId: 'User',
  channelId: 'AlertChannel',
};

/**
 * Writes the entities, their columns and what refers to what as a mermaid drawing; with --check only compares.
 * @returns the exit code: 1 when --check finds a difference
 */
async function emitTables(isCheck: boolean): Promise<number> {
  // Nothing is asked of the server that this URL names: the metadata comes from the entities alone.
  const orm = await openPostgres('postgres://nobody@127.0.0.1:1/none', ENTITIES, [], openLog('silent'));
  const metadata = ENTITIES.map((entity) => orm.getMetadata().get(entity as never) as EntityMetadata);
  await orm.close(true);
  const emitted = `${HEAD}\n\`\`\`mermaid\nerDiagram\n${metadata.map(draw).join('')}${relations(metadata)}\`\`\`\n`;
  if (!isCheck) {
    await writeFile(FILE, emitted);
    process.stdout.write(`${FILE} is written\n`);
    return 0;
  }
  if ((await readFile(FILE, 'utf8').catch(() => '')) === emitted) return 0;
  process.stderr.write(`${resolve(FILE)} differs from the entities: run "npm run tables" and commit the file.\n`);
  return 1;
}

function columnsOf({ props }: EntityMetadata): EntityMetadata['props'] {
  return props.filter((prop) => prop.persist !== false && !prop.formula);
}

function draw(meta: EntityMetadata): string {
  const columns = columnsOf(meta).map((prop) => {
    const type = String(prop.columnTypes?.[0] ?? prop.type).replace(/\W+/g, '_');
    const key = prop.primary ? ' PK' : refersTo(prop.name) ? ' FK' : '';
    return `    ${type} ${prop.fieldNames[0]}${key}\n`;
  });
  return `  ${meta.tableName} {\n${columns.join('')}  }\n`;
}

function relations(metadata: readonly EntityMetadata[]): string {
  const tables = new Map(metadata.map(({ className, tableName }) => [className, tableName]));
  const lines = metadata.flatMap((meta) =>
    columnsOf(meta).flatMap(({ name, nullable, fieldNames }) => {
      const table = tables.get(refersTo(name) ?? '');
      if (table === undefined) return [];
      return `  ${table} ${nullable ? '|o' : '||'}--o{ ${meta.tableName} : ${fieldNames[0]}\n`;
    }),
  );
  return lines.join('');
}

/** The entity that a column's name refers to: `showId` to Show. */
function refersTo(name: string): string | undefined {
  if (!name.endsWith('Id')) return undefined;
  return OTHER_NAMES[name] ?? `${name.charAt(0).toUpperCase()}${name.slice(1, -2)}`;
}

process.exitCode = await emitTables(process.argv.includes('--check'));
