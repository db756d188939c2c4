// webhooks.mjs - triggers and schedulers that tell another program: jobs, attempts, signatures, and giving up.
//
// A job keeps its id through its attempts; its body is made anew for each. Success is 2xx and nothing else. After 10, 20, 30 and 40
// seconds of the stand-in's clock it is tried again, and after the fifth attempt it is gone for good.

import { createHmac } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

import { Random } from '../support/random.mjs';
import { headerText } from './errors.mjs';
import { railsJson } from './json.mjs';
import { customPayload, defaultPayload } from './payload.mjs';

const ATTEMPTS = 5;
const REDIRECTS = 10;

const isRedirect = ({ status }) => status >= 300 && status <= 399;

// X-Hub-Signature: over the bytes as they are sent, and only where there is a token and a body.
export const signatureOf = (token, body) => `sha1=${createHmac('sha1', token).update(body).digest('hex')}`;

export class Webhooks {
  webhooks = new Map();
  triggers = new Map();
  jobs = []; // { id, trigger, webhook_id, ticket_id, state, attempts: [{ at, status | error }] }

  #last = 0;
  #queue = [];
  #running = 0;
  #idle = [];
  #lose = 0;
  #twice = 0;
  #late = { count: 0, mostMs: 0 };
  #ended = false;
  #requests = new Set();

  constructor({ state, seed }) {
    this.state = state;
    this.random = new Random(seed).fork('webhooks');
  }

  // endpoint, signature_token, basic_auth_username, basic_auth_password, bearer_token, http_method, custom_payload (a text), ssl_verify
  addWebhook({ name = 'Webhook', http_method = 'post', ssl_verify = true, active = true, ...more }) {
    if (!more.endpoint) throw new Error('a webhook needs its endpoint');
    const webhook = { id: ++this.#last, name, http_method, ssl_verify, active, ...more };
    this.webhooks.set(webhook.id, webhook);
    return webhook;
  }

  // on: the actions it listens to. changed: only when one of these attributes changed ("selective"). webhook_id may be a list.
  addTrigger({ name = 'Trigger', on = ['create', 'update'], changed, active = true, webhook_id }) {
    if ([webhook_id].flat().some((id) => !this.webhooks.has(id))) throw new Error(`there is no webhook ${webhook_id}`);
    const trigger = { id: ++this.#last, name, on, changed, active, webhook_id };
    this.triggers.set(trigger.id, trigger);
    return trigger;
  }

  // Both at once: what somebody sets up who wants to hear of booked time.
  subscribe({ trigger = 'Dowel', on, changed, ...webhook }) {
    const { id } = this.addWebhook(webhook);
    return { webhook_id: id, trigger_id: this.addTrigger({ name: trigger, on, changed, webhook_id: id }).id };
  }

  // What the state tells: a ticket was created or updated.
  hear(event) {
    for (const trigger of this.triggers.values()) {
      if (!trigger.active || !trigger.on.includes(event.type)) continue;
      if (event.type === 'update' && trigger.changed && !trigger.changed.some((name) => name in event.changes)) continue;
      for (const id of [trigger.webhook_id].flat()) this.#enqueue(trigger, id, event);
    }
  }

  // A scheduler at work: one delivery for each of these tickets, under the scheduler's name.
  schedule({ name = 'Scheduler', webhook_id, ticket_ids }) {
    const event = { type: 'scheduler', article_id: null, changes: {} };
    for (const ticket_id of ticket_ids) this.#enqueue({ id: 0, name }, webhook_id, { ...event, ticket_id });
    return ticket_ids.length;
  }

  // The next deliveries vanish: the process was killed before the job ran.
  lose(count = 1) {
    this.#lose += count;
  }

  // The next deliveries are sent twice with one id, as after a lost answer.
  repeat(count = 1) {
    this.#twice += count;
  }

  // The next deliveries come when chance says, up to so much later; so they change places.
  delay(count = 1, mostMs = 1000) {
    this.#late = { count, mostMs };
  }

  // Resolves when nothing is on its way. Jobs that wait for their next attempt wait for the clock; they do not count.
  idle() {
    if (this.#running === 0 && this.#queue.length === 0) return Promise.resolve();
    return new Promise((resolved) => this.#idle.push(resolved));
  }

  // Jobs by what became of them.
  counts() {
    const by = {};
    for (const { state } of this.jobs) by[state] = (by[state] ?? 0) + 1;
    return by;
  }

  // Nothing leaves any more; what is on its way is cut.
  stop() {
    this.#ended = true;
    this.#queue = [];
    for (const req of this.#requests) req.destroy();
    for (const resolved of this.#idle.splice(0)) resolved();
  }

  // Nothing is listened to any more.
  clear() {
    this.webhooks.clear();
    this.triggers.clear();
  }

  #enqueue(trigger, webhookId, event) {
    const { ticket_id, article_id } = event;
    const job = { id: this.#uuid(), trigger: trigger.name, webhook_id: webhookId, ticket_id, article_id, state: 'queued', attempts: [] };
    Object.defineProperty(job, 'event', { value: event }); // for us, not for who looks at it
    this.jobs.push(job);
    if (this.#loses()) {
      job.state = 'lost';
      return;
    }
    const late = this.#late.count > 0 && this.#late.count-- > 0 ? this.random.integer(0, this.#late.mostMs) : 0;
    const delay = this.state.settings.job_delay_ms + late;
    if (delay > 0) this.state.clock.after(delay, () => this.#push(job));
    else this.#push(job);
  }

  #loses() {
    if (this.#lose > 0) return this.#lose-- > 0;
    return this.random.chance(this.state.settings.webhook_loss);
  }

  #push(job) {
    if (this.#ended) return;
    this.#queue.push(job);
    setImmediate(() => this.#next());
  }

  #next() {
    while (this.#queue.length > 0 && this.#running < this.state.settings.job_workers) {
      const job = this.#queue.shift();
      this.#running++;
      this.#perform(job).finally(() => {
        this.#running--;
        this.#next();
        if (this.#running === 0 && this.#queue.length === 0) for (const resolved of this.#idle.splice(0)) resolved();
      });
    }
  }

  async #perform(job) {
    const call = this.#call(job);
    if (!call) {
      job.state = 'discarded';
      return;
    }
    job.state = 'running';
    const attempt = { at: this.state.clock.now() };
    job.attempts.push(attempt);
    Object.assign(attempt, await this.#send(call));
    if (this.#twice > 0) {
      this.#twice--;
      await this.#send(call);
    }
    if (this.#ended) return;
    if (attempt.status >= 200 && attempt.status <= 299) job.state = 'delivered';
    else if (job.attempts.length >= ATTEMPTS) job.state = 'dropped';
    else {
      job.state = 'waiting';
      this.state.clock.after(job.attempts.length * this.state.settings.job_retry_ms, () => this.#push(job));
    }
  }

  // Older versions go where they are sent, with a GET and no body, and take what they find there for an answer.
  async #send(call) {
    const follow = this.state.features.webhookRedirects === 'get';
    let url = call.webhook.endpoint;
    let result = await send({ ...call, url }, this.#requests);
    for (let left = REDIRECTS; follow && left > 0 && result.location && isRedirect(result); left--) {
      url = new URL(result.location, url).href;
      const headers = { 'User-Agent': call.headers['User-Agent'] };
      result = await send({ ...call, url, method: 'GET', bytes: undefined, headers }, this.#requests);
    }
    return result;
  }

  // The request of a job as things stand now, or undefined when its ticket, article or webhook is gone.
  #call(job) {
    const { state } = this;
    const ticket = state.tickets.get(job.ticket_id);
    const article = job.article_id === null ? null : state.articles.get(job.article_id);
    const webhook = this.webhooks.get(job.webhook_id);
    if (!ticket || article === undefined || !webhook?.active) return undefined;
    const body = webhook.custom_payload
      ? customPayload(state, webhook.custom_payload, { ticket, article, event: { ...job.event, webhook: webhook.name } })
      : railsJson(defaultPayload(state, ticket, article));
    const bytes = Buffer.from(body, 'utf8');
    const method = state.features.webhookMethods ? webhook.http_method.toUpperCase() : 'POST';
    return { webhook, method, headers: headersOf(webhook, job, bytes), bytes, limit: state.settings.webhook_timeout_ms };
  }

  // Random, but the same for the same seed.
  #uuid() {
    const hex = Array.from({ length: 32 }, () => this.random.integer(0, 15).toString(16));
    hex[12] = '4';
    hex[16] = '89ab'[this.random.integer(0, 3)];
    const text = hex.join('');
    return [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20), text.slice(20)].join('-');
  }
}

function headersOf(webhook, job, bytes) {
  const headers = {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': bytes.length,
    'User-Agent': 'Zammad User Agent',
    Accept: '*/*',
    'X-Zammad-Trigger': headerText(job.trigger),
    'X-Zammad-Delivery': job.id,
  };
  if (webhook.basic_auth_username && webhook.basic_auth_password) {
    headers.Authorization = `Basic ${Buffer.from(`${webhook.basic_auth_username}:${webhook.basic_auth_password}`).toString('base64')}`;
  }
  if (webhook.bearer_token) headers.Authorization = `Bearer ${webhook.bearer_token}`;
  if (webhook.signature_token && bytes.length > 0) headers['X-Hub-Signature'] = signatureOf(webhook.signature_token, bytes);
  return headers;
}

// { status, location } of the answer, or { error }. Each on a connection of its own, as Ruby's Net::HTTP does it.
function send({ webhook, url, method, headers, bytes, limit }, requests) {
  return new Promise((resolved) => {
    let over = false;
    const done = (result) => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      requests.delete(req);
      resolved(result);
    };
    const timer = setTimeout(() => {
      done({ error: `no answer within ${limit} ms` });
      req?.destroy();
    }, limit).unref();
    let req;
    try {
      const make = new URL(url).protocol === 'https:' ? httpsRequest : httpRequest;
      req = make(url, { method, headers, agent: false, rejectUnauthorized: webhook.ssl_verify }, (res) => {
        res.on('end', () => done({ status: res.statusCode, location: res.headers.location }));
        res.on('error', (error) => done({ error: error.message }));
        res.resume();
      });
      req.on('error', (error) => done({ error: error.message }));
      requests.add(req);
      req.end(bytes);
    } catch (error) {
      done({ error: error.message });
    }
  });
}
