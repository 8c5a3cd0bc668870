// Of one or more: one at least stays one at least.

export function mapAll<A, B>(all: readonly [A, ...A[]], of: (one: A) => B): readonly [B, ...B[]] {
  const [first, ...others] = all
  return [of(first), ...others.map(of)]
}
