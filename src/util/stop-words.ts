/**
 * English words that do not tell the topic of a text, and their pieces around apostrophes. They are left out to save
 * time. Other languages need no list, because BM25 gives frequent words little weight.
 */
const STOP_WORDS: ReadonlySet<string> = new Set(
  `a about after again all also am an and any are aren as at be because been before being between both but by can
  cannot could couldn d did didn do does doesn doing don down during each few for from further had hadn has hasn have
  haven having he her here hers herself him himself his how i if in into is isn it its itself just ll m me more most
  mustn my myself no nor not of off on once only or other our ours ourselves out over own re s same shan she should
  shouldn so some such t than that the their theirs them themselves then there these they this those through to too
  under until up ve very was wasn we were weren what when where which while who whom why will with won would wouldn
  you your yours yourself yourselves`.split(/\s+/u),
);

/** True for English words that carry no meaning in a query. @param word in lower case */
export function isStopWord(word: string): boolean {
  return STOP_WORDS.has(word);
}
