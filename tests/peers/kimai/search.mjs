// search.mjs - Kimai's "term": words that must all be found, each one a LIKE (so % and _ mean something), "!" before a word turns
// it round, and a word with a colon is no word but a search for a custom field. There are no custom fields here, so that finds
// nothing, except by asking for those that lack one (name:~ or name:"").

// Returns a test for the lower-case text of a row (null when it has none), or undefined when the term demands nothing.
export function searchOf(term, { colons = 'any' } = {}) {
  const words = term.trim().split(/\s+/).filter(Boolean).map((word) => wordOf(word, colons));
  const tests = words.filter(demands).map(testOf);
  return tests.length <= 1 ? tests[0] : (text) => tests.every((test) => test(text));
}

// The same for rows of several texts, each word in any of them: the test takes them all.
export function searchOfMany(term) {
  const words = term.trim().split(/\s+/).filter(Boolean).map((word) => wordOf(word, 'any')).filter(demands);
  if (words.length === 0) return undefined;
  const tests = words.map((word) => [word.excluded, testOf(word)]);
  return (texts) => tests.every(([excluded, test]) => (excluded ? texts.every(test) : texts.some(test)));
}

// That a row lacks a field is true of all.
const demands = ({ field, text }) => field === undefined || (text !== '~' && text !== '');

function testOf({ field, excluded, text }) {
  if (field !== undefined) return () => false;
  const like = likeOf(text.toLowerCase());
  return excluded ? (one) => one === null || !like(one) : (one) => one !== null && like(one);
}

function wordOf(word, colons) {
  let field;
  let text = word;
  const at = word.indexOf(':');
  const isField = at >= 0 && word.slice(at + 1) !== '' && (colons === 'any' || word.indexOf(':', at + 1) < 0);
  if (isField) {
    field = word.slice(0, at);
    text = word.slice(at + 1) === '""' ? '' : word.slice(at + 1);
  }
  const excluded = Buffer.byteLength(text) > 1 && text.startsWith('!');
  return { field, excluded, text: excluded ? text.slice(1) : text };
}

function likeOf(pattern) {
  if (!/[%_\\]/.test(pattern)) return (text) => text.includes(pattern);
  let source = '';
  for (let i = 0; i < pattern.length; i++) {
    const sign = pattern[i];
    if (sign === '%') source += '[^]*';
    else if (sign === '_') source += '[^]';
    else source += (sign === '\\' && i + 1 < pattern.length ? pattern[++i] : sign).replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
  }
  const expression = new RegExp(source, 'u');
  return (text) => expression.test(text);
}
