// What `--scale` was asked for.
export interface ScalePlan {
  /** in Redis, for `million` */
  sessions: number
  nearCache: boolean
}
