// A mark in what operators are told, by which the log tells what only they can put right.

/** The provider speaks of the client: nobody logs in, and nothing is renewed, before its credentials are changed. */
export const CLIENT_REFUSED = "it does not accept this client's"

/** What follows are the provider's own words, or whoever's has the browser. */
const WORDS = /; (?:its words|in the words that came)/

export function isOfClient(detail: string): boolean {
  const [ours = ''] = detail.split(WORDS)
  return ours.includes(CLIENT_REFUSED)
}
