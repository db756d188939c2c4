// settings.mjs - what an administrator may switch in Zammad, and how its versions differ.

// Names and defaults as Zammad has them, where it has them.
export const SETTINGS = {
  time_accounting: true,
  time_accounting_types: true,
  time_accounting_unit: 'minute', // a label only; no number is ever converted
  time_accounting_selector: null, // (ticket) => boolean, or { group_id: [..], state_id: [..] }; versions with selectorCheck look at it
  api_token_access: true,
  api_password_access: true,
  maintenance_mode: false,
  timezone_default: 'Europe/Berlin',
  system_id: '22',
  http_type: 'https',
  fqdn: 'zammad.example.com',
  elasticsearch: true, // off: a search query is a plain LIKE over title, number and articles
  strict_query: true, // a query must be one for Elasticsearch; false lets updated_at:>2026-11-20T00:00:00Z pass
  search_window: 10_000, // what lies beyond is not found
  search_delay_ms: 0, // how far the search index runs behind the database
  visibility_delay_ms: 0, // how long the rows of a change stay unseen by other readers after its webhooks have left
  job_delay_ms: 0, // before a webhook's job runs
  job_retry_ms: 10_000, // after the first attempt that failed; so much more after each further one
  job_workers: 4, // webhooks that are on the way at once
  webhook_timeout_ms: 30_000, // Zammad reads for 30 s; connecting is part of it here
  webhook_loss: 0, // the share of webhooks whose job is never run
  decimal_separator: '.', // ',' is a peer gone wrong: "1,5"
  ties: 'stable', // 'unstable': rows that sort equal come in another order on each page, as PostgreSQL may do
};

// What differs between versions. `version` chooses; each can be set by itself.
export function featuresOf(version) {
  const [major, minor = 0] = String(version).split('.').map(Number);
  const since = (a, b) => major > a || (major === a && minor >= b);
  return {
    nestedAccountings: since(6, 1),
    globalAccountings: since(6, 3), // before: 404
    types: since(6, 0),
    selectorCheck: since(6, 1) && !since(6, 4), // 403 "Ticket does not match Time Accounting Selector"
    searchShape: since(6, 5) ? 'array' : 'tickets', // 'tickets': {"tickets":[ids],"tickets_count":n,"assets":{}}
    mergedEntries: 'stay', // 'stay': Zammad leaves them at the source although articles go (its issues 4201, 4923); 'move'
    webhookPhase: since(7, 0) ? 'after_commit' : 'after_save', // only after_save lets a webhook overtake its row
    webhookMethods: since(7, 0), // before: always POST
    webhookRedirects: 'fail', // 'get': older ones follow with a GET and take its 200 for a delivery
    payloadValues: 'strings', // 'typed': newer ones write "#{ticket.id}" as a number
    onBehalfHeaders: since(7, 0) ? ['from'] : ['from', 'x-on-behalf-of'],
    deniedText: since(6, 3) ? 'long' : 'short', // "Token authorization failed." or "Not authorized"
  };
}
