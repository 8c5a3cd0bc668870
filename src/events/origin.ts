// Of which of several providers and tenants something is, for whoever is told of it.

/** Which of several: what is one process's as a whole, as its store is, says neither. */
export interface EventOrigin {
  /** Its name in `providers`. */
  readonly provider?: string | undefined
  /** Its key, as `tenant.key` answered. */
  readonly tenant?: string | undefined
}

/** Fields that are there have a value. */
export function originOf({ provider, tenant }: EventOrigin): EventOrigin {
  return { ...(provider !== undefined && { provider }), ...(tenant !== undefined && { tenant }) }
}
