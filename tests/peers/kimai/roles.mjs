// roles.mjs - which role may what, as Kimai 2.66 is delivered, as far as the stand-in asks for it. What is easily expected wrong:
// an administrator (ROLE_ADMIN) may not list users, a teamlead sees others' times only inside the teams that he leads.

const OWN = ['view_own_timesheet', 'start_own_timesheet', 'stop_own_timesheet', 'create_own_timesheet', 'edit_own_timesheet',
  'delete_own_timesheet'];
const OTHER = OWN.map((name) => name.replace('_own_', '_other_'));
const PROFILE = ['view_own_profile', 'edit_own_profile', 'preferences_own_profile', 'api-token_own_profile'];
const EXPORT = ['edit_export_own_timesheet', 'edit_export_other_timesheet'];
const BILLABLE = ['edit_billable_own_timesheet', 'edit_billable_other_timesheet'];
const VIEW_RATES = ['view_rate_own_timesheet', 'view_rate_other_timesheet'];
const RATES = [...VIEW_RATES, 'edit_rate_own_timesheet', 'edit_rate_other_timesheet'];
const TAGS = ['view_tag', 'manage_tag', 'create_tag', 'delete_tag'];
const TEAMS = ['view_team', 'create_team', 'edit_team', 'delete_team'];
const LOCKDOWN = ['lockdown_grace_timesheet', 'lockdown_override_timesheet'];
const MASTERS = ['customer', 'project', 'activity'].flatMap((what) =>
  ['view', 'create', 'edit', 'budget', 'time', 'delete', 'permissions', 'details'].map((may) => `${may}_${what}`));
const LED = ['customer', 'project', 'activity'].flatMap((what) => ['view', 'budget', 'time', 'details'].map((may) => `${may}_teamlead_${what}`));

const ADMIN = [...MASTERS, ...OWN, ...OTHER, ...PROFILE, ...TEAMS, ...RATES, ...EXPORT, ...BILLABLE, ...TAGS, ...LOCKDOWN,
  'edit_exported_timesheet', 'view_all_data'];
const USERS = ['view_user', 'create_user', 'delete_user', 'role_permissions'];
const OTHER_PROFILES = ['view', 'edit', 'roles', 'preferences', 'api-token'].map((may) => `${may}_other_profile`);

const DEFAULTS = {
  ROLE_USER: [...OWN, ...PROFILE, 'create_tag'],
  ROLE_TEAMLEAD: [...OWN, ...OTHER, ...PROFILE, ...EXPORT, ...BILLABLE, ...VIEW_RATES, ...TAGS, ...LED, 'create_activity'],
  ROLE_ADMIN: ADMIN,
  ROLE_SUPER_ADMIN: [...ADMIN, ...USERS, ...OTHER_PROFILES],
};

export const ROLES = Object.keys(DEFAULTS);

export class Permissions {
  #byRole = new Map(Object.entries(DEFAULTS).map(([role, names]) => [role, new Set(names)]));

  // What an administrator changes on the page of roles.
  set(role, permission, allowed) {
    if (!this.#byRole.has(role)) this.#byRole.set(role, new Set());
    if (allowed) this.#byRole.get(role).add(permission);
    else this.#byRole.get(role).delete(permission);
  }

  // Everybody has ROLE_USER besides his own ones.
  may(user, permission) {
    return this.#byRole.get('ROLE_USER').has(permission) || user.roles.some((role) => this.#byRole.get(role)?.has(permission));
  }

  seesAll(user) {
    return user.roles.includes('ROLE_SUPER_ADMIN') || this.may(user, 'view_all_data');
  }
}
