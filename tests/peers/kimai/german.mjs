// german.mjs - Kimai's refusals as a token's user reads them whose language is German. Texts of errors follow the language of that
// user: whoever looks for English words in them finds out here.

const TEXTS = {
  'The end date must not be earlier than the start date.': 'Das Enddatum darf nicht vor dem Startdatum liegen.',
  'Duration cannot be negative.': 'Die Dauer darf nicht negativ sein.',
  'An empty duration is not allowed.': 'Eine leere Dauer ist nicht erlaubt.',
  'The begin date cannot be in the future.': 'Das Startdatum darf nicht in der Zukunft liegen.',
  'The end date cannot be in the future.': 'Das Enddatum darf nicht in der Zukunft liegen.',
  'You already have an entry for this time.': 'Es existiert bereits ein Eintrag für diesen Zeitpunkt.',
  'This period is locked. Please choose a later date.': 'Dieser Zeitraum ist gesperrt, bitte wählen Sie ein späteres Datum.',
  'Sorry, the budget is used up.': 'Entschuldigung, das Budget ist aufgebraucht.',
  'The project has not started at that time.': 'Das Projekt hat zu dieser Zeit noch nicht begonnen.',
  'The project is finished at that time.': 'Das Projekt ist zu dieser Zeit bereits beendet.',
  'An activity needs to be selected.': 'Eine Tätigkeit muss ausgewählt werden.',
  'A project needs to be selected.': 'Ein Projekt muss ausgewählt werden.',
  'The selected choice is invalid.': 'Die getroffene Auswahl ist ungültig.',
  'Please enter a valid date and time.': 'Bitte geben Sie ein gültiges Datum mit Uhrzeit ein.',
  'This form should not contain extra fields.': 'Dieses Formular sollte keine zusätzlichen Felder enthalten.',
  'This value is already used.': 'Dieser Wert wird bereits verwendet.',
  'This value is not valid.': 'Dieser Wert ist nicht gültig.',
  'This value should not be blank.': 'Dieser Wert sollte nicht leer sein.',
  'This value should not be null.': 'Dieser Wert sollte nicht null sein.',
};

const PATTERNS = [
  [/^Maximum (\S+) hours allowed\.$/, 'Erlaubt sind max. $1 Stunden.'],
  [/^The budget is used up\. Of the available (\S+), (\S+) has been booked so far, (\S+) can still be used\.$/,
    'Das Budget ist aufgebraucht. Von den vorhandenen $1 wurden bisher $2 gebucht, noch nutzbar sind $3.'],
];

function translated(text) {
  const [pattern, german] = PATTERNS.find(([one]) => one.test(text)) ?? [];
  return pattern ? text.replace(pattern, german) : TEXTS[text] ?? text;
}

// An answer with its texts of errors in German; codes, keys and places stay.
export function inGerman(answer) {
  if (!answer.body?.errors) return answer;
  const walk = (node) => {
    if (typeof node === 'string') return translated(node);
    if (Array.isArray(node)) return node.map(walk);
    return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, walk(value)]));
  };
  return { ...answer, body: { ...answer.body, errors: walk(answer.body.errors) } };
}
