#!/usr/bin/env bash
# Environments with the Kerases that wrote people's files, and the models of benchmarks/interop_writers.py in DIR/out.
# usage: interop_environments.sh DIR        needs Python 3.11; about 2 GB and ten minutes
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1" && cd "$1"
python3 -m venv theano
./theano/bin/python -m pip install -q "setuptools<60" wheel "numpy==1.23.5" "h5py==3.8" scipy==1.10.1 pyyaml six
./theano/bin/python -m pip install -q --no-build-isolation theano==1.0.5
for version in 1.0.8 1.2.2 2.0.9 2.1.6 2.2.5 2.3.1; do
  ./theano/bin/python -m pip install -q --no-build-isolation --no-deps --target "keras-$version" "keras==$version"
done
./theano/bin/python -m pip install -q --no-deps --target keras-x keras-applications keras-preprocessing
python3 -m venv tf
./tf/bin/python -m pip install -q --only-binary :all: tensorflow-cpu==2.21.0 tf-keras==2.21.0 keras==3.15.1 tf2onnx==1.17.0 onnx
for version in 1.0.8 1.2.2 2.0.9 2.1.6 2.2.5 2.3.1; do
  home="$PWD/home-$version" && mkdir -p "$home/.keras"
  echo '{"backend": "theano", "image_dim_ordering": "th", "floatx": "float32", "epsilon": 1e-07}' >"$home/.keras/keras.json"
  HOME="$home" KERAS_BACKEND=theano THEANO_FLAGS=cxx=,blas.ldflags= PYTHONPATH="keras-$version:keras-x" \
    ./theano/bin/python -W ignore "$here/interop_writers.py" "out/keras-$version"
done
INTEROP_KERAS=tf_keras TF_USE_LEGACY_KERAS=1 ./tf/bin/python -W ignore "$here/interop_writers.py" out/tf_keras
KERAS_BACKEND=tensorflow ./tf/bin/python -W ignore "$here/interop_writers.py" out/keras-3
