/** The ids of elements that a shortcut leads to, wherever they are. */

export const PROMPT_ID = "prompt";
export const SEARCH_ID = "search-vectors";
export const ADD_ID = "add-vector";
