// Access tokens are for the API in `resource` (RFC 8707), and that API's only.
import { withResources } from '../../support/provider/resources.ts'
import type { Habit } from '../habit.ts'

export const resources: Habit = { configure: (given) => withResources(given) }
