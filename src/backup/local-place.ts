/** Name of the local repository in journals and notes. */
export const LOCAL_PLACE = 'local';
