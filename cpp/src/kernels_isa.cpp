// The kernels for one instruction set; built once per set with TT_ISA naming it (see CMakeLists.txt).
#include "elementwise_kernels.h"
#include "outer_kernels.h"
#include "product_kernels.h"
#include "row_kernels.h"
#include "throughtime/kernels.h"

namespace throughtime {
namespace TT_ISA {
namespace {

template <class T>
T multiply_adds(Index rounds) {
  volatile T factor = T(0.5), term = T(1);  // unknown to the compiler, and the values stay near 2
  const Vec<T> a = broadcast<T>(factor), b = broadcast<T>(term);
  Vec<T> acc[kAccumulators];
  for (int i = 0; i < kAccumulators; ++i) acc[i] = broadcast<T>(T(i));
  for (Index r = 0; r < rounds; ++r)
#pragma GCC unroll 32
    for (int i = 0; i < kAccumulators; ++i) acc[i] = acc[i] * a + b;
  T sum = 0;
  for (int i = 0; i < kAccumulators; ++i) sum += acc[i][0];
  return sum;
}

template <class T>
constexpr Kernels<T> table(const char* name) {
  return {name,
          kPanel<T>,
          kTile,
          &product<T>,
          &pack<T>,
          &pack_transposed<T>,
          &outer<T>,
          &outer_narrow<T>,
          &dots<T>,
          &column_sum<T>,
          {&op_copy<T>,  &op_sigmoid<T>,   &op_tanh<T>,      &op_relu<T>,     &op_exp<T>,          &op_log<T>,
           &op_sqrt<T>,  &op_softplus<T>,  &op_neg<T>,       &op_positive<T>, &op_add<T>,          &op_sub<T>,
           &op_mul<T>,   &op_div<T>,       &op_maximum<T>,   &op_minimum<T>,  &op_greater<T>,      &op_dsigmoid<T>,
           &op_dtanh<T>, &op_mul_add<T>,   &op_sub_mul<T>,   &op_mul_sub<T>,  &op_mul_dsigmoid<T>, &op_mul_dtanh<T>,
           &op_mean<T>,  &op_normalize<T>, &op_dnormalize<T>},
          &multiply_adds<T>,
          kAccumulators * Simd<T>::width};
}

#define TT_STRING_(x) #x
#define TT_STRING(x) TT_STRING_(x)
}  // namespace

extern const Kernels<float> kernels_float;
extern const Kernels<double> kernels_double;
const Kernels<float> kernels_float = table<float>(TT_STRING(TT_ISA));
const Kernels<double> kernels_double = table<double>(TT_STRING(TT_ISA));

}  // namespace TT_ISA
}  // namespace throughtime
