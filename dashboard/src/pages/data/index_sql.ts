// An index as its SQL says it. The server checks what is saved; this reads what can be shown, and writes new ones.

export interface Index {
  unique: boolean;
  name: string;
  /** As they are written, without quotes. */
  columns: string[];
}

const SHAPE = /^\s*create\s+(unique\s+)?index\s+(?:if\s+not\s+exists\s+)?(\S+)\s+on\s+(\S+?)\s*\((.*?)\)\s*(?:where\b.*)?;?\s*$/is;
const bare = (name: string) => name.trim().replace(/^[`"[]|[`"\]]$/g, "");

/** Null for what is no index, and for one whose columns are expressions. */
export function indexOf(sql: string): Index | null {
  const match = SHAPE.exec(sql);
  if (!match) return null;
  return { unique: Boolean(match[1]), name: bare(match[2]!), columns: match[4]!.split(",").map((one) => bare(one.trim().split(/\s+/)[0]!)) };
}

/** Fields that have a unique index of their own: no two records are alike in them. */
export function uniqueFields(indexes: string[]): string[] {
  const found = indexes.map(indexOf).filter((index) => index?.unique && index.columns.length === 1);
  return [...new Set(found.map((index) => index!.columns[0]!))];
}

export function indexSql(table: string, columns: string[], unique: boolean): string {
  const some = Math.random().toString(36).slice(2, 8);
  const list = columns.map((name) => `\`${name}\``).join(", ");
  return `CREATE ${unique ? "UNIQUE " : ""}INDEX \`idx_${table}_${columns.join("_")}_${some}\` ON \`${table}\` (${list})`;
}
