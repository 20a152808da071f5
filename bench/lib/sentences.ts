/** Parts of notes as people write them: each note has names, ordinary words and the little words between them. */
const WHO = [
  'Anna',
  'the finance team',
  'our landlord',
  'Marek',
  'the school',
  'my manager',
  'the plumber',
  'Ines',
  'a customer',
  'the library',
];
const DID = [
  'wants',
  'has moved',
  'cancelled',
  'asked about',
  'prefers',
  'will bring',
  'lost',
  'is responsible for',
  'agreed to',
  'forgot',
];
const WHAT = [
  'the red folder',
  'a new contract',
  'the weekly meeting',
  'two train tickets',
  'the old server',
  'a quiet room',
  'the spare battery',
  'the paint for the fence',
  'an invoice from March',
  'the report on water use',
];
const WHEN = [
  'on Monday morning',
  'before the holidays',
  'every second week',
  'at the end of May',
  'after lunch',
  'until further notice',
  'by Thursday',
  'twice a year',
];
const WHY = [
  'because the price went up',
  'since nobody was at home',
  'so that the others can sleep',
  'as we agreed last year',
  'and it must not be late',
  'but only if it rains',
  'which is in the cellar',
  'and the answer is still open',
];

/** Different sentences, always the same for a seed. */
export function randomSentence(random: () => number): string {
  const pick = (parts: readonly string[]): string => parts[Math.floor(random() * parts.length)] ?? '';
  const who = pick(WHO);
  const number = 10 + Math.floor(random() * 9_990);
  return `${who.charAt(0).toUpperCase()}${who.slice(1)} ${pick(DID)} ${pick(WHAT)} ${pick(WHEN)}, ${pick(WHY)} (note ${number}).`;
}

/** Forty words or a few more, as people write them; made-up words cost the model twice as much. */
export function randomNote(random: () => number): string {
  let note = randomSentence(random);
  while (note.split(' ').length < 40) note += ` ${randomSentence(random)}`;
  return note;
}
