// What a hook of the app had to say about a person: nothing, a no, or more that is to be known of them.

export interface Verdict {
  readonly refuse: string | undefined
  readonly user: Readonly<Record<string, unknown>> | undefined
}

/** @throws TypeError for what is no verdict: it may have been meant as a no */
export function readVerdict(verdict: unknown, hook: string): Verdict {
  if (verdict === undefined) return { refuse: undefined, user: undefined }
  const { refuse, user, ...others } = isPlainObject(verdict) ? verdict : { others: verdict }
  const isKnown = Object.keys(others).length === 0 && (user === undefined || isPlainObject(user))
  if (!isKnown) throw new TypeError(`${hook}() must return undefined, { refuse: string } or { user: object }`)
  return {
    refuse: refuse === undefined ? undefined : String(refuse),
    // As it will be found again, in whichever store.
    user: user && JSON.parse(JSON.stringify(user)),
  }
}

export function isPlainObject(value: unknown): value is Record<string, unknown> {
  const prototype = typeof value === 'object' && value !== null && Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
