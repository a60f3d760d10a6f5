import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';

const typeDefs = `
  type QueueToken { status: String! position: Int etaSeconds: Int waiting: Int! pollAfterMs: Int! }
  type Query { queueToken(value: ID!): QueueToken }
`;
const constant = { status: 'WAITING', position: 500, etaSeconds: null, waiting: 1_000, pollAfterMs: 5_900 };

const server = new ApolloServer({ typeDefs, resolvers: { Query: { queueToken: () => constant } } });
const { url } = await startStandaloneServer(server, { listen: { port: 0, host: '127.0.0.1' } });
process.send?.(url);
process.once('disconnect', () => process.exit());
