// The reference client in one of several situations: what happens to it is told on stdout, one JSON object a line.
import { createClient } from 'graphql-ws';
import { createInterface } from 'node:readline';
import WebSocket from 'ws';

const { url, tokens, after, keepAlive, never, say = [] } = JSON.parse(process.argv[2]);
const tell = (what, more = {}) => process.stdout.write(JSON.stringify({ what, ...more }) + '\n');
let connects = 0;
let socket;

const client = createClient({
  url,
  webSocketImpl: WebSocket,
  lazy: false,
  onNonLazyError: (error) => tell('gave up', { code: error.code, connects }),
  keepAlive: keepAlive ?? 0,
  retryAttempts: 5,
  retryWait: () => new Promise((resolve) => setTimeout(resolve, 100)),
  connectionParams: () => never ? new Promise(() => {})
    : { authorization: `Bearer ${tokens[Math.min(connects, tokens.length) - 1]}` },
  on: {
    opened: (opened) => { connects += 1; socket = opened; },
    connected: () => { tell('connected', { connects }); for (const text of say) socket.send(text); },
    closed: ({ code, reason }) => tell('closed', { code, reason, connects }),
    ping: (received) => tell('ping', { received }),
    pong: (received) => tell('pong', { received }),
  },
});

const running = {};
const commands = {
  subscribe: ({ id, query }) => {
    const variables = { after };  // sent again after every reconnect, so it is kept moving
    running[id] = client.subscribe({ query, variables }, {
      next: ({ data, errors }) => {
        const event = data && Object.values(data)[0];
        if (event?.cursor) variables.after = event.cursor;
        tell('next', { id, event, errors });
      },
      error: (error) => tell('error', { id, code: error.code, reason: error.reason, connects }),
      complete: () => tell('complete', { id }),
    });
  },
  complete: ({ id }) => running[id](),
  dispose: async () => { await client.dispose(); process.exit(0); },
};

createInterface({ input: process.stdin }).on('line', (line) => {
  const { command, ...more } = JSON.parse(line);
  commands[command](more);
}).on('close', () => process.exit(0));
