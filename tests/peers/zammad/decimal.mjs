// decimal.mjs - amounts of time as Zammad keeps them: exact decimals, never floats. An amount is a BigInt of millionths.

const PLACES = 6;
const ONE = 10n ** BigInt(PLACES);

// What Rails makes of a value for a decimal column of `scale` places: an amount, or undefined where it takes it as blank.
// Text is read as Ruby does, from the left as far as it goes: "1,5" is 1 and "abc" is 0, without a word.
export function amountOf(value, scale = 2) {
  if (typeof value === 'bigint') return rounded(value, scale);
  if (typeof value === 'number') return read(String(value), scale);
  if (typeof value !== 'string' || value.trim() === '') return undefined;
  return read(value.trim().replace(/(?<=\d)_(?=\d)/g, ''), scale);
}

function read(text, scale) {
  const found = /^([+-]?)(\d*)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?/.exec(text);
  const [, sign, whole, fraction = '', exponent = '0'] = found;
  if (whole === '' && fraction === '') return 0n;
  const shift = Number(exponent) + PLACES - fraction.length;
  const digits = BigInt(whole + fraction);
  const size = shift >= 0 ? digits * 10n ** BigInt(shift) : halfUp(digits, 10n ** BigInt(-shift));
  return rounded(sign === '-' ? -size : size, scale);
}

// Half away from zero, as BigDecimal and PostgreSQL round.
function rounded(amount, scale) {
  const step = 10n ** BigInt(PLACES - scale);
  const size = halfUp(amount < 0n ? -amount : amount, step) * step;
  return amount < 0n ? -size : size;
}

const halfUp = (size, step) => (size * 2n + step) / (step * 2n);

// "22.0", "7.5", "0.25", "-3.0": BigDecimal's plain form has always one decimal place at least.
export function textOf(amount, separator = '.') {
  const size = amount < 0n ? -amount : amount;
  const fraction = String(size % ONE).padStart(PLACES, '0').replace(/0+$/, '') || '0';
  return `${amount < 0n ? '-' : ''}${size / ONE}${separator}${fraction}`;
}

// Towards zero: what Ruby's to_i leaves of an amount.
export const integerOf = (amount) => Number(amount / ONE);

// Whether a column of `precision` digits, `scale` of them behind the point, can hold it.
export const fits = (amount, precision = 6, scale = 2) => {
  const size = amount < 0n ? -amount : amount;
  return size < 10n ** BigInt(precision - scale) * ONE;
};
