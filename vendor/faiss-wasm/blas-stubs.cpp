// The BLAS and LAPACK routines that FAISS links against. An exact search of one query needs none of them:
// batches large enough for matrix products are never made, and training belongs to index types that are not used.
#include <cstdlib>

extern "C" {
#define UNUSED_ROUTINE(name) \
    int name() { abort(); }
UNUSED_ROUTINE(sgemm_)
UNUSED_ROUTINE(dgemm_)
UNUSED_ROUTINE(ssyrk_)
UNUSED_ROUTINE(ssyev_)
UNUSED_ROUTINE(dsyev_)
UNUSED_ROUTINE(sgesvd_)
UNUSED_ROUTINE(dgesvd_)
UNUSED_ROUTINE(sgelsd_)
UNUSED_ROUTINE(sgetrf_)
UNUSED_ROUTINE(dgetrf_)
UNUSED_ROUTINE(sgetri_)
UNUSED_ROUTINE(dgetri_)
UNUSED_ROUTINE(sgeqrf_)
UNUSED_ROUTINE(sorgqr_)
UNUSED_ROUTINE(sgemv_)
}
