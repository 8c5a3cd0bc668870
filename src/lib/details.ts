// A mark in what operators are told, by which the log tells what only they can put right.

/** The provider speaks of the client: nobody logs in, and nothing is renewed, before its credentials are changed. */
export const CLIENT_REFUSED = "it does not accept this client's"

export function isOfClient(detail: string): boolean {
  return detail.includes(CLIENT_REFUSED)
}
