package dev.streamgrad.flink;

import dev.streamgrad.DType;
import dev.streamgrad.Field;
import dev.streamgrad.Row;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.AccessibleObject;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * The fields of a class: its public fields, and its getters {@code getHour()}, {@code isLate()} or {@code hour()}.
 *
 * <p>Reflection happens once; each record is read by a method handle, a primitive number without a box.
 */
final class ClassFields implements RecordFields {
    private static final MethodHandles.Lookup LOOKUP = MethodHandles.lookup();

    private final Class<?> type;

    ClassFields(Class<?> type) {
        this.type = type;
    }

    @Override
    public List<String> names() {
        Set<String> names = new TreeSet<>();
        for (java.lang.reflect.Field field : type.getFields()) {
            if (!Modifier.isStatic(field.getModifiers())) {
                names.add(field.getName());
            }
        }
        Arrays.stream(type.getMethods())
                .filter(method -> isGetter(method) && (isPrefixed(method) || hasField(method)))
                .map(method -> property(method.getName()))
                .forEach(names::add);
        return names.stream().collect(Collectors.toUnmodifiableList());
    }

    private static boolean isGetter(Method method) {
        return method.getParameterCount() == 0
                && method.getReturnType() != void.class
                && !Modifier.isStatic(method.getModifiers())
                && method.getDeclaringClass() != Object.class
                && !Set.of("hashCode", "toString", "clone").contains(method.getName());
    }

    private static boolean isPrefixed(Method method) {
        return !property(method.getName()).equals(method.getName());
    }

    /** A method {@code hour()} is listed only if it looks like a field's, as a Java record's is. */
    private static boolean hasField(Method method) {
        return Arrays.stream(method.getDeclaringClass().getDeclaredFields())
                .anyMatch(field -> field.getName().equals(method.getName()));
    }

    private static String property(String method) {
        int prefix = method.matches("get[A-Z].*") ? 3 : method.matches("is[A-Z].*") ? 2 : 0;
        return prefix == 0 ? method : Character.toLowerCase(method.charAt(prefix)) + method.substring(prefix + 1);
    }

    @Override
    public FieldReader reader(Field field) {
        MethodHandle handle = find(field.name());
        if (handle == null) {
            return null;
        }
        Class<?> value = handle.type().returnType();
        String mismatch = mismatch(field, value);
        if (mismatch != null) {
            throw new IllegalArgumentException("map record: " + mismatch + ", change its type in " + type.getName()
                    + " or give an encoder: " + field + " is " + value.getTypeName());
        }
        if (value == float.class || value == double.class) {
            return new DoubleReader(handle);
        } else if (value == boolean.class) {
            return new BooleanReader(handle);
        } else if (value.isPrimitive()) {
            return new LongReader(handle);
        }
        return new ObjectReader(handle);
    }

    private static String mismatch(Field field, Class<?> value) {
        boolean string = field.column().dtype() == DType.STRING;
        if (value == Object.class || List.class.isAssignableFrom(value)) {
            return null; // each record shows
        }
        boolean array = value.isArray() && !(string && value == byte[].class);
        if (field.elements() > 1 && !array) {
            return "the model needs " + field.elements() + " values, an array or list";
        }
        Class<?> element = array ? value.getComponentType() : value;
        if (element == Object.class || (string ? isText(element) : isNumber(element))) {
            return null;
        }
        if (field.column().ragged()) {
            return "the model needs any number of " + (string ? "strings or bytes" : "numbers") + ", an array or list";
        }
        return string ? "the model needs a string or bytes" : "the model needs a number";
    }

    private static boolean isText(Class<?> value) {
        return CharSequence.class.isAssignableFrom(value) || value == byte[].class;
    }

    private static boolean isNumber(Class<?> value) {
        return value.isPrimitive() && value != char.class
                || Number.class.isAssignableFrom(value)
                || value == Boolean.class;
    }

    private MethodHandle find(String name) {
        String capital = name.isEmpty() ? name : Character.toUpperCase(name.charAt(0)) + name.substring(1);
        try {
            java.lang.reflect.Field field = type.getField(name);
            if (!Modifier.isStatic(field.getModifiers())) {
                return LOOKUP.unreflectGetter(opened(field));
            }
        } catch (NoSuchFieldException e) {
            // then a getter
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(e);
        }
        for (String getter : new String[] {"get" + capital, "is" + capital, name}) {
            try {
                Method method = type.getMethod(getter);
                if (isGetter(method)) {
                    return LOOKUP.unreflect(opened(method));
                }
            } catch (NoSuchMethodException e) {
                // then the next
            } catch (IllegalAccessException e) {
                throw new IllegalStateException(e);
            }
        }
        return null;
    }

    /** A public member of a class that is not public needs this. */
    private static <M extends AccessibleObject> M opened(M member) {
        member.setAccessible(true);
        return member;
    }

    private static RuntimeException failure(Throwable e) {
        if (e instanceof Error) {
            throw (Error) e;
        }
        return e instanceof RuntimeException ? (RuntimeException) e : new IllegalStateException(e);
    }

    private static final class DoubleReader implements FieldReader {
        private final MethodHandle handle;

        DoubleReader(MethodHandle handle) {
            this.handle = handle.asType(MethodType.methodType(double.class, Object.class));
        }

        @Override
        public void copy(Object record, Row row, int field) {
            double value;
            try {
                value = (double) handle.invokeExact(record);
            } catch (Throwable e) {
                throw failure(e);
            }
            row.set(field, value);
        }

        @Override
        public boolean isNull(Object record) {
            return false;
        }
    }

    private static final class LongReader implements FieldReader {
        private final MethodHandle handle;

        LongReader(MethodHandle handle) {
            this.handle = handle.asType(MethodType.methodType(long.class, Object.class));
        }

        @Override
        public void copy(Object record, Row row, int field) {
            long value;
            try {
                value = (long) handle.invokeExact(record);
            } catch (Throwable e) {
                throw failure(e);
            }
            row.set(field, value);
        }

        @Override
        public boolean isNull(Object record) {
            return false;
        }
    }

    private static final class BooleanReader implements FieldReader {
        private final MethodHandle handle;

        BooleanReader(MethodHandle handle) {
            this.handle = handle.asType(MethodType.methodType(boolean.class, Object.class));
        }

        @Override
        public void copy(Object record, Row row, int field) {
            boolean value;
            try {
                value = (boolean) handle.invokeExact(record);
            } catch (Throwable e) {
                throw failure(e);
            }
            row.set(field, value);
        }

        @Override
        public boolean isNull(Object record) {
            return false;
        }
    }

    private static final class ObjectReader implements FieldReader {
        private final MethodHandle handle;

        ObjectReader(MethodHandle handle) {
            this.handle = handle.asType(MethodType.methodType(Object.class, Object.class));
        }

        private Object get(Object record) {
            try {
                return (Object) handle.invokeExact(record);
            } catch (Throwable e) {
                throw failure(e);
            }
        }

        @Override
        public void copy(Object record, Row row, int field) {
            row.set(field, get(record));
        }

        @Override
        public boolean isNull(Object record) {
            return get(record) == null;
        }
    }
}
