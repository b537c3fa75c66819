import { apiHandler } from '../api-handler.ts'

const GROUP_TYPE = 'Classic'

/** ListGroups 0 to 5: all groups, or those of the states (KIP-518) and types (KIP-848) asked for; every group is of the classic type. */
export const listGroups = apiHandler({
  api: 'ListGroups',
  versions: { min: 0, max: 5 },

  respond({ body }, { groups }) {
    const fits = (filter: readonly string[], value: string) => filter.length === 0 || filter.some((wanted) => wanted.toLowerCase() === value.toLowerCase())
    const listed = groups
      .all()
      .filter(({ state }) => fits(body.statesFilter, state) && fits(body.typesFilter, GROUP_TYPE))
      .map(({ groupId, protocolType, state }) => ({ groupId, protocolType: protocolType ?? '', groupState: state, groupType: GROUP_TYPE }))
    return { errorCode: 0, groups: listed }
  },

  failed: (_request, errorCode) => ({ errorCode, groups: [] }),
})
