// No logout of OpenID Connect: its document names no `end_session_endpoint`.
import { changedJson, type Habit } from '../habit.ts'

export const noEndSession: Habit = {
  answers: { discovery: changedJson(({ end_session_endpoint: _, ...document }) => document) },
}
