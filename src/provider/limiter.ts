// So many at once; whoever comes beyond that does not wait, since strangers can come by the thousand.

export interface Limiter {
  /** @returns gives the place back, once; undefined where there is none */
  tryEnter(): (() => void) | undefined
}

export function createLimiter(places: number): Limiter {
  let taken = 0
  return {
    tryEnter() {
      if (taken >= places) return undefined
      taken += 1
      let isHere = true
      return () => {
        if (isHere) taken -= 1
        isHere = false
      }
    },
  }
}
