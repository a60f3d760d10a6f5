import { WebSocketServer } from 'ws';

const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
server.on('listening', () => process.send?.(`http://127.0.0.1:${(server.address() as { port: number }).port}/`));
// Sends what it is told to everybody.
process.on('message', ({ text }: { text: string }) => {
  for (const socket of server.clients) socket.send(text);
  process.send?.(null);
});
process.once('disconnect', () => process.exit());
