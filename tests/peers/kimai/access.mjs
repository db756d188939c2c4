// access.mjs - what one token may see and do: its user's permissions, and the teams that shut others out.

export class Access {
  constructor(store, permissions, user) {
    Object.assign(this, { store, permissions, user });
    this.seesAll = permissions.seesAll(user);
  }

  may(permission) {
    return this.permissions.may(this.user, permission);
  }

  // view, edit, delete... of a customer, project or activity: everywhere, or in the teams that the user leads.
  mayMaster(action, kind, row) {
    if (this.may(`${action}_${kind}`)) return true;
    if (action === 'create' || action === 'delete') return false;
    return this.may(`${action}_teamlead_${kind}`) && row.teams.some((team) => this.#leads(this.user.id, team));
  }

  // Whether no team shuts the user out of it.
  toCustomer(customer) {
    return this.#open(customer.teams);
  }

  toProject(project) {
    return this.toCustomer(this.store.customers.get(project.customer)) && this.#open(project.teams);
  }

  toActivity(activity) {
    const project = this.store.projects.get(activity.project);
    return (!project || this.toProject(project)) && this.#open(activity.teams);
  }

  toUser(other) {
    if (other.id === this.user.id || this.seesAll) return true;
    if (!other.enabled || (other.systemAccount && !this.user.systemAccount)) return false;
    const teams = this.teamsOf(other.id);
    if (teams.some((team) => this.#leads(this.user.id, team))) return true;
    return this.user.roles.includes('ROLE_TEAMLEAD') && other.roles.length === 0 && teams.length === 0;
  }

  toSheet(sheet) {
    if (sheet.user === this.user.id) return true;
    if (!this.toProject(this.store.projects.get(sheet.project)) || !this.toActivity(this.store.activities.get(sheet.activity))) return false;
    const teams = this.teamsOf(sheet.user);
    return this.seesAll || teams.length === 0 || teams.some((team) => this.#leads(this.user.id, team));
  }

  // A permission that there is once for one's own times and once for others'.
  maySheet(permission, sheet) {
    if (sheet.user === this.user.id) return this.may(`${permission}_own_timesheet`);
    return this.toSheet(sheet) && this.may(`${permission}_other_timesheet`);
  }

  // The users whose times a list without further wishes holds: undefined for all of them.
  listedUsers() {
    if (this.seesAll) return undefined;
    const listed = new Set([this.user.id]);
    for (const team of this.store.teams.values()) {
      if (this.#leads(this.user.id, team.id)) for (const member of team.members) listed.add(member.user);
    }
    return listed;
  }

  teamsOf(user) {
    return [...this.store.teams.values()].filter((team) => team.members.some((member) => member.user === user)).map((team) => team.id);
  }

  #leads(user, team) {
    return this.store.teams.get(team).members.some((member) => member.user === user && member.teamlead);
  }

  #open(teams) {
    if (this.seesAll || teams.length === 0) return true;
    return teams.some((id) => this.store.teams.get(id).members.some((member) => member.user === this.user.id));
  }
}
