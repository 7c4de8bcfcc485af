// A form of the settings page: it sends what was changed on it and nothing else, so what another window saved stays.

import { settings as api, type Settings } from "../api";
import { refreshSettings } from "../live";
import { useEditing, type Editing, type Place } from "../parts/editing";

/** What a form shows of the settings, and how it is sent. */
export type Shape<T> = Pick<Place<Settings, T>, "place" | "read" | "body">;
export type Form<T> = Editing<T>;

export const useForm = <T extends object>(known: Settings, shape: Shape<T>): Form<T> =>
  useEditing(known, { ...shape, fetch: api.get, send: api.patch, after: refreshSettings });

export const saving = (form: Pick<Form<object>, "save">) => (event: Event) => {
  event.preventDefault();
  void form.save();
};

/** A secret that is not sent stays. */
export const withSecret = <T extends object>(parts: T, name: string, secret: string) => (secret ? { ...parts, [name]: secret } : parts);
