// The same work on Fastify: two processes on one port, settings in the environment; answers are written by their schema.
import cluster from 'node:cluster';
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';

const require = createRequire(`${process.env.MODULES}/`);
const PROCESSES = 2;
const { SECRET, DATABASE, FULL, PORT } = process.env;

const text = { type: 'string' };
const thing = {
  type: 'object',
  properties: {
    id: { type: 'integer' }, title: text, body: text, author: text, state: text, priority: { type: 'integer' },
    amount: text, due_at: text, created_at: text, changed_at: text,
  },
};
const thingIn = {
  type: 'object',
  required: ['title', 'body', 'state', 'amount', 'due_at'],
  additionalProperties: false,
  properties: {
    title: { type: 'string', minLength: 1, maxLength: 200 },
    body: { type: 'string', maxLength: 10000 },
    state: { type: 'string', enum: ['open', 'waiting', 'done'] },
    priority: { type: 'integer', minimum: 1, maximum: 5, default: 3 },
    amount: { type: 'string', pattern: '^[0-9]{1,10}\\.[0-9]{2}$' },
    due_at: { type: 'string', format: 'date-time' },
  },
};
const made = { type: 'object', properties: { id: text, created_at: text } };
const COLUMNS = 'id, title, body, author, state, priority, amount, due_at, created_at, changed_at';
const INSERT = 'INSERT INTO things_made (tenant_id, id, title, body, author, state, priority, amount, due_at, created_at)';

// { find(tenant, id), list(tenant, after), insert(row) }, with promises or without: Fastify takes both.
function onSqlite() {
  const db = new (require('better-sqlite3'))(DATABASE, { timeout: 10_000 });
  db.pragma(`synchronous = ${FULL === '1' ? 'FULL' : 'NORMAL'}`);
  const one = db.prepare(`SELECT ${COLUMNS} FROM things WHERE tenant_id = ? AND id = ?`);
  const many = db.prepare(`SELECT ${COLUMNS} FROM things WHERE tenant_id = ? AND id > ? ORDER BY id LIMIT 50`);
  const insert = db.prepare(`${INSERT} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  return {
    find: (tenant, id) => one.get(tenant, id),
    list: (tenant, after) => many.all(tenant, after),
    insert: (row) => insert.run(row),
  };
}

function onPostgres() {
  const { Pool, types } = require('pg');
  types.setTypeParser(types.builtins.INT8, Number);
  types.setTypeParser(types.builtins.TIMESTAMPTZ, (value) => `${value.replace(' ', 'T')}:00`);
  const pool = new Pool({ connectionString: DATABASE, max: 4 });
  return {
    find: async (tenant, id) =>
      (await pool.query({ name: 'one', text: `SELECT ${COLUMNS} FROM things WHERE tenant_id = $1 AND id = $2`, values: [tenant, id] })).rows[0],
    list: async (tenant, after) =>
      (await pool.query({ name: 'many', text: `SELECT ${COLUMNS} FROM things WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT 50`, values: [tenant, after] })).rows,
    insert: (row) => pool.query({ name: 'insert', text: `${INSERT} VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, values: row }),
  };
}

async function serve() {
  const app = require('fastify')();
  const verify = require('fast-jwt').createVerifier({ key: SECRET, algorithms: ['HS256'], cache: false });
  const db = DATABASE.startsWith('postgres://') ? onPostgres() : onSqlite();

  app.addHook('onRequest', (request, reply, done) => {
    const shown = request.headers.authorization;
    try {
      if (!shown?.startsWith('Bearer ')) throw new Error('no token');
      request.claims = verify(shown.slice(7));
      done();
    } catch {
      reply.code(401).send({ title: 'the token is not good' });
    }
  });
  app.get('/api/v1/things/:id', {
    schema: { params: { type: 'object', properties: { id: { type: 'integer', minimum: 1 } } }, response: { 200: thing } },
  }, async (request, reply) => (await db.find(request.claims.tenant, request.params.id)) ?? reply.code(404).send({ title: 'there is none' }));
  app.get('/api/v1/things', {
    schema: {
      querystring: { type: 'object', properties: { after: { type: 'integer', minimum: 0, default: 0 } } },
      response: { 200: { type: 'object', properties: { items: { type: 'array', items: thing } } } },
    },
  }, async (request) => ({ items: await db.list(request.claims.tenant, request.query.after) }));
  app.post('/api/v1/things', { schema: { body: thingIn, response: { 201: made } } }, async (request, reply) => {
    const { title, body, state, priority, amount, due_at } = request.body;
    const id = randomUUID();
    const created_at = new Date().toISOString();
    await db.insert([request.claims.tenant, id, title, body, request.claims.sub, state, priority, amount, due_at, created_at]);
    reply.code(201);
    return { id, created_at };
  });
  await app.listen({ port: Number(PORT), host: '127.0.0.1' });
}

if (cluster.isPrimary) for (let i = 0; i < PROCESSES; i++) cluster.fork();
else await serve();
