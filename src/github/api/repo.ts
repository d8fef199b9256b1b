/** A repository of GitHub, by its full name `owner/name`. */
export interface Repo {
  readonly owner: string;
  readonly name: string;
}
